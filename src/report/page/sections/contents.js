// The end: what this page holds, and licences.
function drawClosing() {
  const node = document.getElementById("closing"), about = data.about;
  node.replaceChildren();
  element(node, "h2", "", "What this page contains");
  element(node, "p", "", "One file that loads nothing: styles, scripts and the D3 library are inside, and of the store what is listed here."
    + (about.anonymous ? " It was made with --anonymous: host names, paths, ids and texts of samples are left out; groups, steps and names of tensors are in it." : ""));
  const table = element(node, "table"), head = element(table, "tr");
  for (const name of ["part", "what it holds"]) element(head, "th", "", name);
  const line = (name, text) => {
    const row = element(table, "tr");
    element(row, "td", "", name);
    element(row, "td", "", text);
  };
  line("facts", ["model's architecture and sizes", "options of the computation", "revision and date", about.anonymous ? "" : "paths of store, series and samples as they were given"].filter(Boolean).join(", "));
  if (about.cohorts.length > 1) line("names", `${counted(about.cohorts.length - 1, many().slice(0, -1))} by name` + (about.anonymous && about.cohort_coordinate === "id" ? " (numbered)" : ""));
  if (data.components) line("components", `names of ${data.components.listed.length} of ${componentCount(data.components.in_all)}`);
  const texts = data.positions ? data.positions.texts.filter(text => text.tokens).length : 0;
  if (texts > 0) line("texts", `the tokens of ${counted(texts, "sample")}`);
  if (data.training_samples && data.training_samples.samples) line("training samples", `${data.training_samples.samples.names.length} of ${data.training_samples.samples.in_all}, ${about.anonymous ? "numbered" : "by name"}`);
  if (data.similarity && data.similarity.of === "sample" || data.positions) line("samples", about.anonymous ? "numbered" : "their ids");
  if (data.findings && data.findings.searches) line("findings", "of " + data.findings.searches.map(search => searchTitles[search.name]).join(", ") + (about.anonymous ? "" : "; ids of some samples of clusters"));
  if (data.comparison) line("second store", about.anonymous ? "its sums, without its name" : `its sums, and its name ${data.comparison.names[1]}`);
  const arrays = [];
  const find = (name, part) => {
    if (!part || typeof part !== "object") return;
    if (part.f32) return arrays.push(`${name} (${part.shape.join(" × ")})`);
    for (const [key, value] of Object.entries(part)) find(name ? name + "." + key : key, value);
  };
  find("", data);
  line("numbers", arrays.join(", ") + ", in single precision");
  if (data.certificates) line("certificates", counted(data.certificates.worst.length, "pair") + " of a segment and a sample, one by one" + (about.anonymous ? " (samples numbered)" : ""));
  const licences = element(node, "details");
  element(licences, "summary", "", "Licences");
  element(licences, "p", "", "Made by ExPLAIND-MPI (Apache 2.0), revision " + data.page.revision + ". The method: ExPLAIND, arXiv:2505.20076; please cite it when you use the scores. Plots use D3:");
  element(licences, "pre", "", document.getElementById("licences").innerHTML);
}
