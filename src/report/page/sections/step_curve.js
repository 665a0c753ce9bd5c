// How few intervals hold how much of all change.
section("step-curve", {
  needs: () => data.step_curve && data.step_curve.in_all > 1,
  title: () => {
    const share = arrayOf("step_curve", "share"), i = [...share.values].findIndex(value => value >= .9);
    return i < 0 ? "How much of the change the largest intervals hold" : `${counted(data.step_curve.rank[i], "interval")} of ${data.step_curve.in_all} hold ${plain(100 * share.at(i), 3)} % of all change`;
  },
  lede: () => `Intervals between neighbouring checkpoints of the whole series, those with the largest change of ${F()} first.`,
  sign: () => `Shares of the sum over samples and intervals of |change of ${F()}|, without sign.`,
  draw: plot => {
    const share = arrayOf("step_curve", "share"), change = arrayOf("step_curve", "change"), {rank, steps} = data.step_curve;
    const left = 56, x1 = plot.width - 16, top = 34, y1 = 270;
    plot.height = y1 + 42;
    const x = d3.scaleLinear().domain([0, rank[rank.length - 1]]).range([left, x1]), y = d3.scaleLinear().domain([0, 1]).range([y1, top]);
    drawValueAxis(plot, y, left, x1, "share of all change");
    plot.svg.append("path").attr("d", "M" + [[0, 0], ...rank.map((each, i) => [each, share.at(i)])].map(([a, b]) => x(a) + "," + y(b)).join("L")).attr("fill", "none").attr("stroke", "#0072b2").attr("stroke-width", 2);
    rank.forEach((each, i) => {
      if (rank.length <= 80) plot.svg.append("circle").attr("cx", x(each)).attr("cy", y(share.at(i))).attr("r", 2.4).attr("fill", "#0072b2");
      plot.marks.push({x: x(each) - 2, y: y(share.at(i)) - 2, width: 4, height: 4, row: 0, column: i, lines: () => [`interval ${each}: steps ${steps[i][0]} to ${steps[i][1]}`, `|change| ${plain(change.at(i))} ${unitName()}`, `${plain(100 * share.at(i))} % so far`]});
    });
    plot.svg.append("line").attr("x1", left).attr("x2", x1).attr("y1", y1 + .5).attr("y2", y1 + .5).attr("stroke", ink("soft"));
    for (const tick of x.ticks(6).filter(Number.isInteger)) plot.text(x(tick), y1 + 17, d3.format(",")(tick), {anchor: "middle", size: 11.5});
    plot.text((left + x1) / 2, y1 + 35, "intervals, largest first", {anchor: "middle"});
  },
  table: () => ({columns: ["rank", "step_from", "step_to", "interval_change", "explained_share"], rows: data.step_curve.rank.map((rank, i) => [rank, ...data.step_curve.steps[i], arrayOf("step_curve", "change").at(i), arrayOf("step_curve", "share").at(i)])}),
});
