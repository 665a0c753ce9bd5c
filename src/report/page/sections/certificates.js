// How exact: residuals, estimated errors and evaluations by steps; the worst pairs one by one.
section("certificates", {
  needs: () => data.certificates,
  title: () => {
    const exact = data.about.exactness;
    return `How exact: residuals are at most ${plain(exact.residual, 2)} ${unitName()}, and ${exact.missed === 0 ? "no pair" : counted(exact.missed, "pair")} missed the tolerance`;
  },
  lede: () => `Of each segment: the largest and the median residual over samples, and the largest estimated error of an integral over samples and tensors.`
    + (data.about.exactness.limited > 0 ? ` ${counted(data.about.exactness.limited, "pair was", "pairs were")} limited by the precision of the computation: more evaluations would change nothing.` : ""),
  sign: () => `Sizes without sign, on a logarithmic axis. Residual: the measured change of ${F()} less the sum of all scores; it would be 0 in exact arithmetic.`,
  draw: plot => {
    const shown = shownColumns();
    const curve = (name, text, colour) => {
      const array = arrayOf("certificates", name);
      return array && {name: text, colour, points: shown.map(i => [array.at(i), array.at(i)]), starts: false,
        lines: point => [segmentText(point.column), text + ", over all samples", plain(point.value, 2) + " " + unitName() + evaluations(point.column)]};
    };
    const evaluations = column => {
      const mean = arrayOf("certificates", "nodes_mean");
      return mean ? ` (${plain(mean.at(column))} evaluations a sample)` : "";
    };
    const series = [curve("error_largest", "largest error", "#d55e00"), curve("residual_largest", "largest residual", "#0072b2"), curve("residual_median", "median residual", "#56b4e9")].filter(each => each && each.points.some(pair => pair[0] > 0));
    drawLines(plot, {series, label: inUnit("size"), logarithmic: true, height: 300, dots: true});
  },
  table: () => {
    const names = ["residual_largest", "residual_median", "error_largest", "nodes_mean", "nodes_largest"].filter(name => arrayOf("certificates", name));
    return {columns: ["step_from", "step_to", ...names], rows: d3.range(columnCount).map(i => [columns.from[i], columns.to[i], ...names.map(name => arrayOf("certificates", name).at(i))])};
  },
  extra: node => {
    const worst = data.certificates.worst;
    const details = element(node, "details");
    element(details, "summary", "sign", worst.some(pair => pair.missed) ? "Pairs that missed the tolerance, and the largest residuals" : "The largest residuals, one by one").style.cursor = "pointer";
    const table = element(element(details, "div", "scrolls"), "table", "pairs"), head = element(table, "tr");
    for (const name of ["sample", "steps", "change of " + F(), "residual", "error", "evaluations", ""]) element(head, "th", "", name);
    for (const pair of worst) {
      const row = element(table, "tr");
      const cells = [pair.sample, pair.step_from + " – " + pair.step_to, signed(pair.change), signed(pair.residual, 2), pair.error === null ? "–" : plain(pair.error, 2), pair.nodes === null ? "–" : String(pair.nodes),
        pair.missed ? "missed" : pair.limited ? "limited by precision" : "met"];
      for (const cell of cells) element(row, "td", "", cell);
    }
  },
});
