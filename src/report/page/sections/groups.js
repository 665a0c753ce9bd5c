// Groups × layers, over all steps; the bars beside it are the sums of rows.
function groupRows() {
  return d3.range(1, data.about.cohorts.length).map(who => ({who, name: data.about.cohorts[who].label, total: totalOf(() => true, who)})).sort((a, b) => (Number.isNaN(a.total) ? 1 : Number.isNaN(b.total) ? -1 : a.total - b.total));
}
const groupColumns = () => layers.map(layer => ({name: shortLayerName(layer), full: layerName(layer), of: part => part.layer === layer}));

section("groups", {
  needs: () => data.contributions && data.contributions.totals && layers.length > 1,
  title: () => {
    const rows = groupRows().filter(row => !Number.isNaN(row.total));
    if (rows.length < 2) return `Which layers changed which ${many()}`;
    const first = rows[0], last = rows[rows.length - 1];
    return `From ${withUnit(first.total)} in ${titleName(first.name)} to ${withUnit(last.total)} in ${titleName(last.name)}: the layers behind it`;
  },
  lede: () => `Rows are ${many()}, ordered by the sum of their scores, which the bars show; columns are layers.`,
  sign: () => `Blue lowered the ${F()}, orange raised it; ${data.about.sums ? "sums" : "means"} over the samples of a row, summed over all steps, ${unitName()}.`,
  draw: plot => {
    const rows = groupRows(), across = groupColumns(), left = nameWidth(rows.map(row => row.name), plot.narrow ? 10 : 20), bars = plot.narrow ? 70 : 150;
    const x1 = plot.width - bars - 20, width = (x1 - left) / across.length, cell = Math.floor(Math.max(11, Math.min(20, 520 / rows.length)));
    const values = rows.map(row => across.map(column => totalOf(column.of, row.who)));
    const scale = divergingScale(largestOf(values.flat()));
    const longest = d3.max(across, column => column.name.length), slanted = width < 7 * longest;
    let y = drawColourBar(plot, scale, left, 16, Math.min(320, x1 - left)) + (slanted ? 24 + Math.min(90, 4.4 * longest) : 26);
    const every = Math.max(1, Math.ceil(13 / width));
    across.forEach((column, c) => {
      if (c % every !== 0) return;
      const x = left + (c + .5) * width, text = plot.text(x, y - 8, column.name, {anchor: slanted ? "start" : "middle", size: 11.5});
      if (slanted) text.attr("transform", `rotate(-40 ${x} ${y - 8})`);
    });
    plot.text(0, y - 8, "layer", {size: 11.5});
    drawRowNames(plot, rows.map(row => row.name), left, y, cell, plot.narrow ? 10 : 20);
    const end = drawCells(plot, {x: c => [left + c * width, left + (c + 1) * width], y, rows: rows.length, columnsOf: across.length, cellHeight: cell, scale,
      value: (r, c) => values[r][c], lines: (r, c) => [whoText(rows[r].who), across[c].full + ", all steps", withUnit(values[r][c])]});
    const bar = d3.scaleLinear().domain([Math.min(0, d3.min(rows, row => row.total)), Math.max(0, d3.max(rows, row => row.total))]).range([x1 + 14, plot.width - 44]);
    rows.forEach((row, r) => {
      if (Number.isNaN(row.total)) return;
      const at = y + r * cell, x = Math.min(bar(0), bar(row.total)), size = Math.abs(bar(0) - bar(row.total));
      plot.svg.append("rect").attr("x", x).attr("y", at + 2).attr("width", size).attr("height", cell - 4).attr("fill", row.who === state.who ? ink("accent") : ink("soft")).attr("fill-opacity", .75);
      plot.text(plot.width, at + cell / 2 + 4, signed(row.total), {anchor: "end", size: 11.5});
      plot.marks.push({x, y: at, width: size, height: cell, row: r, column: across.length, lines: () => [whoText(row.who), "all layers, all steps", withUnit(row.total)]});
    });
    plot.height = end + 8;
  },
  table: () => ({columns: [many().slice(0, -1), ...groupColumns().map(column => column.full), "all"],
    rows: groupRows().map(row => [row.name, ...groupColumns().map(column => totalOf(column.of, row.who)), row.total])}),
});
