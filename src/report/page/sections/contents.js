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
  for (const figure of figures) {
    if (figure.node && figure.contains) line(figure.name, figure.contains());
  }
  const arrays = [];
  for (const [name, part] of Object.entries(data)) {
    for (const [key, value] of Object.entries(part || {})) {
      if (value && value.f32) arrays.push(`${name}.${key} (${value.shape.join(" × ")})`);
    }
  }
  line("numbers", arrays.join(", ") + ", in single precision");
  if (data.certificates) line("certificates", counted(data.certificates.worst.length, "pair") + " of a segment and a sample, one by one" + (about.anonymous ? " (samples numbered)" : ""));
  const licences = element(node, "details");
  element(licences, "summary", "", "Licences");
  element(licences, "p", "", "Made by ExPLAIND-MPI (Apache 2.0), revision " + data.page.revision + ". The method: ExPLAIND, arXiv:2505.20076; please cite it when you use the scores. Plots use D3:");
  element(licences, "pre", "", document.getElementById("licences").innerHTML);
}
