// The single components that did most.
function listedComponents() {
  const listed = data.components.listed, all = arrayOf("components", "all"), totals = arrayOf("components", "totals");
  const value = i => (state.who > 0 ? totals.at(0, state.who - 1, i) : d3.sum(d3.range(columnCount).map(column => all.at(column, 0, i)).filter(each => !Number.isNaN(each))));
  return listed.map((component, i) => ({...component, i, value: value(i), strip: shownColumns().map(column => all.at(column, 0, i))}))
    .filter(component => !state.kind || component.kind === state.kind)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 20);
}

section("components", {
  needs: () => data.components && data.components.in_all > 1 && data.about.made.component !== "kind",
  title: () => {
    const rows = listedComponents();
    return rows.length > 0 ? `The largest single ${componentWord()}: ${rows[0].name}, ${withUnit(rows[0].value)}` : "The largest components";
  },
  lede: () => `The 20 largest of ${componentCount(data.components.in_all)} by size` + (state.kind ? `, ${kindName(state.kind)} alone` : "") + ", over all steps. "
    + (state.who > 0 ? `Bars are of ${whoText()}; the strips beside them of all samples.` : ""),
  sign: () => `Negative lowered the ${F()}; ${whoText()}, summed over segments.` + (data.about.complete ? "" : " Of an unfinished store: over the segments that are complete."),
  choices: () => {
    const here = kinds.filter(kind => kind && data.components.listed.some(component => component.kind === kind));
    return here.length < 2 ? [] : ["", ...here].map(kind => ({text: kind ? kindName(kind) : "all kinds", on: state.kind === kind, choose: () => choose({kind})}));
  },
  draw: plot => {
    const rows = listedComponents();
    drawBars(plot, {
      rows: rows.map(row => ({...row, colour: row.kind ? kindColour(row.kind, kinds) : ink("soft"), lines: () => [row.name, whoText(), withUnit(row.value)]})),
      label: inUnit("contribution"), stripTitle: "when (blue lowered)",
      stripLines: (r, c) => [rows[r].name, segmentText(shownColumns()[c]) + ", " + whoText(0), withUnit(rows[r].strip[c])],
    });
  },
  table: () => ({columns: ["component", "kind", "layer", "score"], rows: listedComponents().map(row => [row.name, row.kind, row.layer ?? "", row.value])}),
});
