// Layer × head over all steps, and the heads that did most by steps.
function headValue(i) {
  const totals = arrayOf("heads", "totals");
  if (state.who > 0 && totals) return totals.at(0, state.who - 1, i);
  const all = arrayOf("heads", "all");
  return d3.sum(d3.range(columnCount).map(column => all.at(column, 0, i)));
}
const headWho = () => (state.who > 0 && arrayOf("heads", "totals") ? state.who : 0);
const headName = head => `layer ${head.layer}, head ${head.head}`;

section("heads", {
  needs: () => data.heads,
  title: () => {
    const most = extreme(data.heads.heads.map((head, i) => ({head, value: headValue(i)})), each => each.value);
    return `The attention head that did most: ${headName(most.head)}, ${withUnit(most.value)}`;
  },
  lede: () => "First every head over all steps, then the heads that did most, by steps (all samples)." + (data.heads.shared ? " Keys and values are shared equally among the heads that query them." : ""),
  sign: () => `Blue lowered the ${F()}, orange raised it; ${whoText(headWho())}, the head's parts of all attention matrices added.${data.about.complete ? "" : " Of an unfinished store: over the segments that are complete."}`,
  draw: plot => {
    const heads = data.heads.heads, all = arrayOf("heads", "all"), shown = shownColumns();
    const headLayers = [...new Set(heads.map(head => head.layer))].sort((a, b) => a - b), count = d3.max(heads, head => head.head) + 1;
    const wide = plot.width > 760, left = 34, half = wide ? plot.width * .42 : plot.width;
    const cellWidth = Math.min(46, (half - left - 6) / count), cell = Math.floor(Math.max(8, Math.min(26, 420 / headLayers.length)));
    const values = heads.map((_, i) => headValue(i)), scale = divergingScale(largestOf(values));
    const place = new Map(heads.map((head, i) => [head.layer + "/" + head.head, i]));
    const at = (r, c) => place.get(headLayers[r] + "/" + c);
    let y = drawColourBar(plot, scale, left, 16, Math.min(280, half - left - 16)) + 24;
    plot.text(left, y - 6, "head", {});
    plot.text(0, y - 6, "layer", {});
    drawRowNames(plot, headLayers.map(String), left, y, cell);
    const end = drawCells(plot, {x: c => [left + c * cellWidth, left + (c + 1) * cellWidth], y, rows: headLayers.length, columnsOf: count, cellHeight: cell, scale,
      value: (r, c) => (at(r, c) === undefined ? undefined : values[at(r, c)]),
      lines: (r, c) => [whoText(headWho()), headName(heads[at(r, c)]), withUnit(values[at(r, c)])]});
    const every = Math.ceil(18 / cellWidth);
    for (let c = 0; c < count; c += every) plot.text(left + (c + .5) * cellWidth, end + 15, String(c), {anchor: "middle", size: 11.5});
    const top = values.map((value, i) => ({value, i})).sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 16);
    const names = top.map(each => heads[each.i].layer + "." + heads[each.i].head);
    const x0 = (wide ? half + 26 : 0) + 46, axis = stepAxis(x0, plot.width - 6), y2 = wide ? y : end + 60, height = 19;
    const stepScale = divergingScale(largestOf(top.flatMap(each => shown.map(column => all.at(column, 0, each.i)))));
    if (wide) drawColourBar(plot, stepScale, x0, 16, Math.min(280, plot.width - x0 - 10));
    plot.text(x0 - 46, y2 - 6, "layer.head", {});
    drawRowNames(plot, names, x0, y2, height);
    const end2 = drawCells(plot, {x: c => [axis.left(shown[c]), axis.right(shown[c])], y: y2, rows: top.length, columnsOf: shown.length, cellHeight: height, scale: wide ? stepScale : scale,
      value: (r, c) => all.at(shown[c], 0, top[r].i), rowOffset: wide ? 0 : headLayers.length, columnOffset: wide ? count : 0,
      lines: (r, c) => [whoText(0), headName(heads[top[r].i]), segmentText(shown[c]), withUnit(all.at(shown[c], 0, top[r].i))]});
    drawStepAxis(plot, axis, end2, {title: false});
    plot.height = Math.max(end, end2) + 26;
  },
  table: () => ({columns: ["layer", "head", "score"], rows: data.heads.heads.map((head, i) => [head.layer, head.head, headValue(i)])}),
});
