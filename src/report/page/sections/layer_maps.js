// Layer × steps, a map for every kind that several layers have; the rest share one.
function layerPanels() {
  const panels = [];
  const lone = [];
  for (const kind of kinds) {
    const rows = parts.map((part, i) => ({...part, i})).filter(part => part.kind === kind).sort((a, b) => a.layer - b.layer);
    if (rows.length > 1) panels.push({title: kindName(kind), rows: rows.map(part => ({part: part.i, name: shortLayerName(part.layer)}))});
    else lone.push({part: rows[0].i, name: kindName(kind)});
  }
  if (lone.length > 0) panels.push({title: panels.length === 0 ? "" : lone.every(row => isOutside(parts[row.part])) ? "outside the blocks" : "other kinds", rows: lone});
  return panels;
}
const whoForMaps = () => (hasContributions() ? state.who : 0);

section("layer-maps", {
  needs: () => data.contributions && parts.length > 2 && columnCount > 1,
  title: () => {
    const cells = d3.range(columnCount).flatMap(column => parts.map((part, i) => ({part, column, value: score(column, i, whoForMaps())}))).filter(cell => !Number.isNaN(cell.value));
    if (cells.length === 0) return "Where and when";
    const most = extreme(cells, cell => cell.value);
        return `Where and when: the largest single step came from the ${partName(most.part)}, ${segmentText(most.column)}`;
  },
  lede: () => (whoForMaps() !== state.who ? "Shown for all samples: by group there are too many numbers for one page." : layerPanels().length === 1 && !layerPanels()[0].title ? "Rows are kinds of parameters, columns are steps between two checkpoints." : "One map for each kind of parameter; rows are layers, columns are steps between two checkpoints, all with the same colours."),
  sign: () => `Blue lowered the ${F()}, orange raised it; ${whoText(whoForMaps())}, summed over the components of a cell, ${unitName()}. Striped: not computed yet.`,
  draw: plot => {
    const who = whoForMaps(), shown = shownColumns(), panels = layerPanels();
    const across = plot.width > 720 && panels.length > 1 ? 2 : 1, gap = 34;
    const names = panels.flatMap(panel => panel.rows.map(row => row.name));
    const left = nameWidth(names, 16), panelWidth = (plot.width - gap * (across - 1)) / across;
    const usual = Math.floor(Math.max(7, Math.min(26, 250 / d3.max(panels, panel => panel.rows.length))));
    const scale = divergingScale(largestOf(shown.flatMap(column => parts.map((_, i) => score(column, i, who)))));
    let y = drawColourBar(plot, scale, left, 16, Math.min(320, plot.width - left - 10)) + 26, rowOffset = 0;
    for (let p = 0; p < panels.length; p += across) {
      const line = panels.slice(p, p + across);
      let bottom = y;
      line.forEach((panel, q) => {
        const cell = panel.rows.length < 6 ? Math.max(16, usual) : usual;
        const x0 = q * (panelWidth + gap) + left, axis = stepAxis(x0, q * (panelWidth + gap) + panelWidth - 4);
        plot.text(x0, y - 8, panel.title, {fill: ink("ink"), weight: 600, size: 12.5});
        drawRowNames(plot, panel.rows.map(row => row.name), x0, y, cell, 16);
        const end = drawCells(plot, {x: c => [axis.left(shown[c]), axis.right(shown[c])], y, rows: panel.rows.length, columnsOf: shown.length, cellHeight: cell, scale,
          value: (r, c) => score(shown[c], panel.rows[r].part, who), rowOffset, columnOffset: q * shown.length,
          lines: (r, c) => {
            const part = parts[panel.rows[r].part];
            return [whoText(who), segmentText(shown[c]), isOutside(part) ? outsideName(part) : layerName(part.layer) + ", " + kindName(part.kind), withUnit(score(shown[c], panel.rows[r].part, who))];
          }});
        drawStepAxis(plot, axis, end, {title: false});
        bottom = Math.max(bottom, end);
      });
      rowOffset += d3.max(line, panel => panel.rows.length);
      y = bottom + 58;
    }
    plot.height = y - 30;
  },
  table: () => ({columns: ["step_from", "step_to", "layer", "kind", "score"],
    rows: d3.range(columnCount).flatMap(i => parts.map((part, p) => [columns.from[i], columns.to[i], part.layer, part.kind, score(i, p, whoForMaps())]))}),
});
