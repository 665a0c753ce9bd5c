// F of every group over the steps.
section("losses", {
  needs: () => data.losses,
  title: () => {
    const cohorts = data.about.cohorts, told = d3.range(1, cohorts.length).filter(who => !Number.isNaN(change(who)));
    if (told.length < 2) return `The ${F()} over the steps`;
    const down = told.filter(who => change(who) < 0).length, most = extreme(told, who => change(who));
    const whole = told.length === 2 ? "both" : "all " + told.length, these = many() + (told.length < cohorts.length - 1 ? " that are complete" : "");
    const all = down === told.length ? `fell in ${whole} ${these}` : down === 0 ? `rose in ${whole} ${these}` : `fell in ${down} of ${told.length} ${these}`;
    return `The ${F()} ${all}, ${down > 0 && down < told.length ? "and changed " : ""}most in ${titleName(cohorts[most].label)} (${withUnit(change(most))})`;
  },
  lede: () => (data.about.sums ? "Sums" : "Means") + ` of the samples' ${F()} at each checkpoint` + (data.about.cohorts.length > 1 ? "; a group that is chosen above stands out." : "."),
  sign: () => `Measured values of ${F()}, not scores. Points are checkpoints; lines between them only lead the eye.`,
  draw: plot => {
    const from = arrayOf("losses", "from"), to = arrayOf("losses", "to"), cohorts = data.about.cohorts;
    const shown = shownColumns();
    const all = {who: 0, name: "all", colour: ink("ink"), strong: state.who === 0};
    const series = [...d3.range(1, cohorts.length).map(who => ({who, name: cohorts[who].label, colour: lineColours[(who - 1) % lineColours.length], strong: who === state.who})), all];
    drawLines(plot, {
      series: series.map(each => ({...each, points: shown.map(i => [from.at(i, each.who), to.at(i, each.who)]),
        lines: point => [whoText(each.who), `step ${d3.format(",")(point.end ? columns.to[point.column] : columns.from[point.column])}`, plain(point.value, 4) + " " + unitName()]})),
      label: inUnit(`${data.about.sums ? "sum" : "mean"} ${F()}`), height: 380,
    });
  },
  table: () => {
    const from = arrayOf("losses", "from"), to = arrayOf("losses", "to");
    return {columns: ["step_from", "step_to", many().slice(0, -1), "value_from", "value_to"],
      rows: d3.range(columnCount).flatMap(i => data.about.cohorts.map((cohort, who) => [columns.from[i], columns.to[i], who === 0 ? "all" : cohort.label, from.at(i, who), to.at(i, who)]))};
  },
});
