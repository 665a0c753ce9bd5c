// What each kind of parameter did in each column of steps, stacked.
const signText = () => `Negative scores lowered the ${F()}. Bars are ${whoText().replace(/^the one sample$/, "of the one sample")}, summed over components; the dash is their sum, the change of ${F()} less its residual.`;
const hasContributions = () => data.contributions && !(state.who > 0 && !arrayOf("contributions", "cohorts"));

section("kinds", {
  needs: () => data.contributions && kinds.length > 1,
  title: () => {
    const totals = kinds.map(kind => ({kind, value: totalOf(part => part.kind === kind)}));
    const most = extreme(totals, each => each.value), sum = d3.sum(totals, each => each.value);
    if (Number.isNaN(most.value)) return "What each kind of parameter did, and when";
    return `${capital(kindName(most.kind))} parameters did most: ${signed(most.value)} of ${withUnit(sum)}`;
  },
  lede: () => "What each kind of parameter contributed between two checkpoints" + (columns.merged.some(n => n > 1) ? " (neighbouring segments joined)." : "."),
  sign: signText,
  draw: plot => drawStack(plot, {
    names: kinds.map(kindName), colours: kinds.map(kind => kindColour(kind, kinds)),
    value: (column, k) => scoreBy(column, "kind", kinds[k]), total: column => columnTotal(column),
    label: inUnit(`contribution to the change of ${F()} per ${columns.merged.some(n => n > 1) ? "column" : "segment"}`),
    lines: (column, k) => [whoText(), segmentText(column), `${kindName(kinds[k])} ${withUnit(scoreBy(column, "kind", kinds[k]))}`],
  }),
  table: () => ({columns: ["step_from", "step_to", ...kinds.map(kindName)],
    rows: d3.range(columnCount).map(i => [columns.from[i], columns.to[i], ...kinds.map(kind => scoreBy(i, "kind", kind))])}),
});
