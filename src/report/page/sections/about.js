// The opening: what was explained, in words and numbers.
function fact(list, name, value) {
  if (value === null || value === undefined || value === "") return;
  element(list, "dt", "", name);
  element(list, "dd", "", String(value));
}

function modelText() {
  const model = data.about.model;
  if (!model.architecture) return "";
  const size = [model.layers && counted(model.layers, "layer"), model.width && model.width + " wide", model.heads && counted(model.heads, "head")].filter(Boolean);
  return model.architecture + (size.length > 0 ? ": " + size.join(", ") : "");
}

function exactText() {
  const exact = data.about.exactness, pairs = counted(data.about.pairs.there, "pair");
  if (exact.residual === null) return "The store has no certificates, so how exact the scores are is not known.";
  const flags = [];
  if (exact.missed > 0) flags.push(counted(exact.missed, "pair") + " of a segment and a sample missed the tolerance");
  if (exact.limited > 0) flags.push(counted(exact.limited, "pair was", "pairs were") + " limited by the precision of the computation");
  return "Each sample's scores add up to the measured change of its " + F() + ". What is left of it, the residual, is at most " + plain(exact.residual, 2)
    + " " + unitName() + " over " + pairs + " of a segment and a sample" + (exact.change_sum > 0 ? ", and " + plain(100 * exact.residual_sum / exact.change_sum, 2) + "\u00a0% of all change" : "")
    + ". " + (flags.length > 0 ? capital(flags.join("; ")) + "." : "No pair missed its tolerance.");
}

function missingText() {
  const notes = [], about = data.about;
  if (!about.complete) {
    notes.push(`The store is not finished: ${d3.format(",")(about.pairs.there)} of ${d3.format(",")(about.pairs.in_all)} pairs of a segment and a sample are there. What is missing is blank with stripes, never zero, and totals over all steps are missing with it.`);
  }
  if (about.left_out) notes.push(`Segments that were left out of the store changed ${F()} by ${withUnit(about.left_out)} (mean over samples); nothing here explains that part.`);
  if (about.cohorts_left_out > 0) notes.push(`The ${about.cohorts.length - 1} ${many()} whose ${F()} changed most are told apart; ${about.cohorts_left_out} more take part in what is said of all.`);
  if (about.output) notes.push(`The store has several outputs; this page is about the first, called ${about.output}.`);
  if (data.findings && data.findings.why_not) notes.push(`What explaind find looks for was not looked for: ${data.findings.why_not}`);
  return notes;
}

function joinedText() {
  return !columns.merged.some(count => count > 1) ? "" : (`Plots over steps show ${columnCount} columns; each joins up to ${Math.max(...columns.merged)} neighbouring segments, whose scores are added.`);
}

function drawOpening() {
  const about = data.about, node = document.getElementById("opening"), made = about.made, delta = change();
  const steps = d3.format(",")(columns.from[0]) + " to " + d3.format(",")(columns.to[columnCount - 1]);
  const gaps = about.left_out !== null || d3.range(1, columnCount).some(i => columns.from[i] !== columns.to[i - 1]);
  const on = state.who > 0 ? " on " + titleName(about.cohorts[state.who].label) : "";
  const title = Number.isNaN(delta) ? `What training steps ${steps} did to the ${about.sums ? "summed " : ""}${F()}${on}, as far as it is computed`
    : `${gaps ? `In ${counted(about.segments, "segment")} between` : "From"} step ${steps.replace(" to ", gaps ? " and " : " to step ")} the ${about.sums ? "summed " : ""}${F()}${on} ${fell(delta)} by ${plain(Math.abs(delta))} ${unitName()}`;
  node.replaceChildren();
  element(node, "p", "eyebrow", ["Influence report", about.model.architecture].filter(Boolean).join(" · "));
  element(node, "h1", "", title);
  document.title = title;
  element(node, "p", "lede", `Which parts of the model did that, and when? Each of ${componentCount(about.components)} has a signed score for each of ${counted(about.segments, "segment")} between two checkpoints`
    + (about.samples > 1 ? ` and each of ${counted(about.samples, "sample")}${about.groups > 1 ? " in " + counted(about.groups, "group") : ""}` : "")
    + `: how much its change lowered (negative) or raised (positive) the ${F()}.`);
  element(node, "p", "", [exactText(), joinedText()].filter(Boolean).join(" "));
  for (const note of missingText()) element(node, "p", "notice", note);
  const list = element(node, "dl", "key-figures");
  const figure = (name, value) => {
    const box = element(list, "div");
    element(box, "dt", "", name);
    element(box, "dd", "", value);
  };
  figure(`change of ${F()}, ${unitName()}, ${whoText()}`, signed(delta));
  const sum = totalOf(() => true);
  if (parts.length > 0) figure(`sum of all scores, ${unitName()}`, signed(sum));
  if (about.exactness.residual !== null) figure(`largest residual, ${unitName()}`, plain(about.exactness.residual, 2));
  figure("pairs that missed their tolerance", String(about.exactness.missed));
  if (about.exactness.mean_nodes) figure("gradient evaluations a pair, mean", plain(about.exactness.mean_nodes));
  const facts = element(node, "dl", "facts");
  fact(facts, "model", modelText());
  fact(facts, "explained", made.functional && `${made.functional} by ${made.component}, in ${unitName()}` + (about.tokens ? ` (${counted(about.tokens, "token")})` : ""));
  fact(facts, "integrated", made.quadrature && `${made.quadrature} rule, tolerance ${made.tolerance} of ${made["relative-to"]}, ${made.precision}`);
  fact(facts, "series", made.series);
  fact(facts, "samples", made.samples);
  fact(facts, "store", made.store);
  fact(facts, "made", [made.created && made.created.slice(0, 10), made.revision && "revision " + made.revision].filter(Boolean).join(", "));
}

function componentWord() {
  const word = data.about.made.component;
  return {parameter: "tensor", kind: "kind of parameter", head: "component"}[word] || word || "component";
}
const componentCount = count => counted(count, componentWord(), componentWord() === "kind of parameter" ? "kinds of parameters" : componentWord() + "s");
