// Data against decay (and momentum, rounding), layer by layer.
const partColours = {data: "#0072b2", decay: "#d55e00", momentum: "#56b4e9", rounding: "#8c8c8c"};
function partValue(part, layer, who = state.who) {
  if (who > 0 && part.totals) return unpack(part.totals).at(who - 1, layer);
  const all = unpack(part.all);
  return d3.sum(d3.range(columnCount).map(column => all.at(column, layer)));
}
const partWho = () => (state.who > 0 && data.parts.parts.every(part => part.totals) ? state.who : 0);

section("parts", {
  needs: () => data.parts,
  title: () => {
    const sums = data.parts.parts.map(part => ({part, value: d3.sum(data.parts.layers, (_, i) => partValue(part, i, partWho()))}));
    const most = d3.max(sums, each => Math.abs(each.value));
    return sums.filter(each => Math.abs(each.value) > 1e-3 * most).map(each => `${each.part.name} ${signed(each.value)}`).join(", ").replace(/^./, c => c.toUpperCase()) + ` ${unitName()}: what moved the ${F()}, by layer`;
  },
  lede: () => {
    const estimated = data.parts.parts.filter(part => part.estimated).map(part => part.name);
    const byOrigin = data.parts.parts.filter(part => part.step_index === "origin").map(part => part.name);
    return "The parts of each layer's contribution over all steps."
      + (estimated.length > 0 ? ` ${capital(estimated.join(" and "))} is an estimate.` : "")
      + (byOrigin.length > 0 ? ` ${capital(byOrigin.join(" and "))} count at the step where they entered the optimizer.` : "");
  },
  sign: () => `Negative lowered the ${F()}; ${whoText(partWho())}, summed over segments and over the components of a layer.` + (data.about.complete ? "" : " Of an unfinished store: over the segments that are complete."),
  draw: plot => {
    const shown = data.parts.parts, who = partWho(), layersHere = data.parts.layers.map((layer, i) => ({name: layerName(layer), i})).sort((a, b) => data.parts.layers[a.i] - data.parts.layers[b.i]);
    const left = nameWidth(layersHere.map(layer => layer.name), plot.narrow ? 14 : 26) + 6, top = drawLegend(plot, shown.map(part => part.name), shown.map(part => partColours[part.name]), 0, 0) + 30;
    const bar = layersHere.length > 14 ? 6 : 10, row = bar * shown.length + 9;
    const values = layersHere.map(layer => shown.map(part => partValue(part, layer.i, who)));
    const scale = d3.scaleLinear().domain([Math.min(0, d3.min(values.flat())), Math.max(0, d3.max(values.flat()))]).nice(6).range([left, plot.width - 12]);
    const bottom = top + row * layersHere.length, ticks = scale.ticks(plot.narrow ? 4 : 7), text = tickText(ticks);
    plot.text(left, top - 14, inUnit("contribution"), {});
    for (const tick of ticks) {
      plot.svg.append("line").attr("x1", scale(tick)).attr("x2", scale(tick)).attr("y1", top).attr("y2", bottom).attr("stroke", tick === 0 ? ink("soft") : ink("grid"));
      plot.text(scale(tick), bottom + 16, text(tick), {anchor: "middle", size: 11.5});
    }
    layersHere.forEach((layer, r) => {
      plot.text(left - 10, top + r * row + row / 2 + 3, shortened(layer.name, plot.narrow ? 14 : 26), {anchor: "end"});
      shown.forEach((part, k) => {
        const value = values[r][k], x = Math.min(scale(0), scale(value)), width = Math.abs(scale(value) - scale(0)), y = top + r * row + 4 + k * bar;
        plot.svg.append("rect").attr("x", x).attr("y", y).attr("width", Math.max(.5, width)).attr("height", bar - 1).attr("fill", partColours[part.name]).attr("class", "bar");
        plot.marks.push({x, y, width, height: bar - 1, row: r * shown.length + k, column: 0, lines: () => [whoText(who), `${layer.name}, ${part.name}${part.estimated ? " (estimate)" : ""}`, withUnit(value)]});
      });
    });
    plot.height = bottom + 24;
  },
  table: () => ({columns: ["layer", ...data.parts.parts.map(part => part.name)], rows: data.parts.layers.map((layer, i) => [layer, ...data.parts.parts.map(part => partValue(part, i, partWho()))])}),
});
