// Contributions added up along the steps.
function cumulated(kind) {
  let sum = 0;
  return shownColumns().map(column => {
    const next = kind === null ? columnTotal(column) : scoreBy(column, "kind", kind), before = sum;
    if (Number.isNaN(next)) {
      sum = 0;
      return [NaN, NaN];
    }
    sum += next;
    return [before, sum];
  });
}

section("cumulative", {
  needs: () => data.contributions && kinds.length > 1 && columnCount > 1,
  title: () => {
    const half = cumulated(null), end = half[half.length - 1][1];
    const i = half.findIndex(([, value]) => Math.abs(value) >= Math.abs(end) / 2);
    if (Number.isNaN(end) || i < 0 || !data.about.complete) return "Contributions added up along the steps";
    return `Half of the change was made by step ${d3.format(",")(columns.to[shownColumns()[i]])}`;
  },
  lede: () => "The contributions of each kind added up from the left; the dashed line is all of them together.",
  sign: () => `A falling curve lowered the ${F()}; ${whoText()}.` + (state.first === null ? "" : " Sums begin where the zoom begins.") + (data.about.complete ? "" : " After what is missing they begin again."),
  draw: plot => {
    const series = kinds.map(kind => ({name: kindName(kind), colour: kindColour(kind, kinds), points: cumulated(kind)}));
    series.push({name: "all", colour: ink("ink"), dash: "5 4", points: cumulated(null)});
    drawLines(plot, {
      series: series.map(each => ({...each, starts: false, lines: point => [`${each.name}, ${whoText()}`, `up to step ${d3.format(",")(columns.to[point.column])}`, withUnit(point.value)]})),
      label: inUnit("contribution so far"), zero: true, height: 340,
    });
  },
  table: () => {
    const curves = [...kinds.map(cumulated), cumulated(null)];
    return {columns: ["step_to", ...kinds.map(kindName), "all"], rows: shownColumns().map((column, i) => [columns.to[column], ...curves.map(curve => curve[i][1])])};
  },
});
