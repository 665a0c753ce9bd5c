// What each layer did in each column of steps, stacked.
function layerColours() {
  return layers.map(layer => layerColour(blockLayers.indexOf(layer), blockLayers.length, layerIsBefore(layer), layerIsAfter(layer)));
}

section("layers", {
  needs: () => data.contributions && layers.length > 1,
  title: () => {
    const blocks = blockLayers.map(layer => ({layer, value: totalOf(part => part.layer === layer)}));
    if (blocks.length < 2 || blocks.some(each => Number.isNaN(each.value))) return "What each layer did, and when";
    const most = extreme(blocks, each => each.value);
    return `Of the ${blocks.length} blocks, ${layerName(most.layer)} did most: ${withUnit(most.value)}`;
  },
  lede: () => "The same contributions by depth; dark is early.",
  sign: signText,
  draw: plot => drawStack(plot, {
    names: layers.map(layerName), colours: layerColours(),
    value: (column, k) => scoreBy(column, "layer", layers[k]), total: column => columnTotal(column),
    label: inUnit(`contribution to the change of ${F()} per ${columns.merged.some(n => n > 1) ? "column" : "segment"}`),
    lines: (column, k) => [whoText(), segmentText(column), `${layerName(layers[k])} ${withUnit(scoreBy(column, "layer", layers[k]))}`],
  }),
  table: () => ({columns: ["step_from", "step_to", ...layers.map(layerName)],
    rows: d3.range(columnCount).map(i => [columns.from[i], columns.to[i], ...layers.map(layer => scoreBy(i, "layer", layer))])}),
});
