// Curves over steps: a point at each end of every column, labels at the right end where they have room.
// series: [{name, colour, strong, points: [[value at left, value at right], …] per shown column, lines(i, right): tooltip}]
function drawLines(plot, {series, height = 340, label, zero = false, dots = false, logarithmic = false, top = 18}) {
  const shown = shownColumns();
  const longest = d3.max(series, each => (each.name || "").length) || 0;
  const labelled = series.some(each => each.labelled !== false);
  const right = labelled ? Math.min(plot.narrow ? 104 : 150, 20 + 6.6 * longest) : 16, left = 56;
  const x1 = plot.width - right, y0 = top + 14, y1 = y0 + height - 60;
  plot.height = y1 + 42;
  const axis = stepAxis(left, x1);
  const values = series.flatMap(each => each.points.flat()).filter(value => !Number.isNaN(value) && (!logarithmic || value > 0));
  let [low, high] = d3.extent(values);
  if (values.length === 0) [low, high] = [0, 1];
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (low === high) [low, high] = logarithmic ? [low / 2, high * 2] : [low - 1, high + 1];
  const scale = (logarithmic ? d3.scaleLog() : d3.scaleLinear()).domain([low, high]).range([y1, y0]);
  scale.nice(logarithmic ? undefined : 6);
  drawValueAxis(plot, scale, left, x1, label, logarithmic);
  const fine = value => !Number.isNaN(value) && (!logarithmic || value > 0);
  const weak = series.some(each => each.strong);
  for (const [row, each] of series.entries()) {
    // A curve is broken where a value is missing and where the next column begins elsewhere.
    let path = "", open = false;
    each.points.forEach(([a, b], i) => {
      const column = shown[i];
      if (!fine(a) || !fine(b)) { open = false; return; }
      const begins = !open || (i > 0 && columns.to[column - 1] !== columns.from[column]);
      path += (begins ? "M" + axis.left(column) + "," + scale(a) : "") + "L" + axis.right(column) + "," + scale(b);
      open = true;
    });
    plot.svg.append("path").attr("d", path).attr("fill", "none").attr("stroke", each.colour).attr("stroke-width", each.strong ? 2.6 : weak ? 1.1 : 1.8)
      .attr("stroke-opacity", weak && !each.strong ? .55 : 1).attr("stroke-linejoin", "round").attr("stroke-dasharray", each.dash || null)
      .attr("class", "curve").attr("data-name", each.name);
    const point = (x, value, column, index) => {
      if (!fine(value)) return;
      if (dots) plot.svg.append("circle").attr("cx", x).attr("cy", scale(value)).attr("r", 2.4).attr("fill", each.colour);
      plot.marks.push({x: x - 2, y: scale(value) - 2, width: 4, height: 4, row, column, lines: () => each.lines(index)});
    };
    each.points.forEach(([a, b], i) => {
      const begins = i === 0 || columns.to[shown[i] - 1] !== columns.from[shown[i]];
      if (begins && each.starts !== false) point(axis.left(shown[i]), a, 2 * i, {column: shown[i], end: 0, value: a});
      point(axis.right(shown[i]), b, 2 * i + 1, {column: shown[i], end: 1, value: b});
    });
  }
  if (labelled) drawEndLabels(plot, series.filter(each => each.labelled !== false), scale, x1, y0, y1, fine);
  drawStepAxis(plot, axis, y1);
  zoomBySteps(plot, axis, y0, y1);
  return {axis, scale};
}

// Horizontal lines and numbers; what is drawn upwards stands above the axis.
function drawValueAxis(plot, scale, x0, x1, label, logarithmic = false) {
  const ticks = logarithmic ? scale.ticks(6).filter(tick => Number.isInteger(Math.round(Math.log10(tick) * 1e6) / 1e6)) : scale.ticks(6);
  const shown = ticks.length > 1 ? ticks : scale.domain();
  const text = logarithmic ? value => plain(value, 1) : tickText(shown);
  for (const tick of shown) {
    const y = Math.round(scale(tick)) + .5;
    plot.svg.append("line").attr("x1", x0).attr("x2", x1).attr("y1", y).attr("y2", y).attr("stroke", tick === 0 ? ink("soft") : ink("grid"));
    plot.text(x0 - 8, y + 4, text(tick), {anchor: "end", size: 11.5}).attr("class", "value-tick").attr("data-value", tick);
  }
  plot.text(0, scale.range()[1] - 14, label, {size: 12});
}

// Names at the ends of curves, moved apart; where there are too many only the strong and the outermost stay.
function drawEndLabels(plot, series, scale, x, y0, y1, fine) {
  const labels = series.map(each => {
    const last = [...each.points].reverse().find(pair => fine(pair[1]));
    return last && {name: each.name, colour: each.colour, strong: each.strong, y: scale(last[1]), end: scale(last[1])};
  }).filter(Boolean).sort((a, b) => a.y - b.y);
  const step = 13.5, room = Math.floor((y1 - y0) / step) + 1;
  const strong = labels.filter(label => label.strong);
  let kept = labels;
  if (labels.length > room) kept = labels.filter((label, i) => label.strong || i % Math.ceil(labels.length / (room - strong.length)) === 0);
  for (let i = 1; i < kept.length; ++i) kept[i].y = Math.max(kept[i].y, kept[i - 1].y + step);
  let limit = y1 - 3;
  for (let i = kept.length - 1; i >= 0; --i) {
    kept[i].y = Math.min(kept[i].y, limit);
    limit = kept[i].y - step;
  }
  const most = plot.narrow ? 15 : 21;
  for (const label of kept) {
    const name = label.name.length > most ? label.name.slice(0, most - 1) + "…" : label.name;
    if (Math.abs(label.y - label.end) > 2) {
      plot.svg.append("line").attr("x1", x + 2).attr("y1", label.end).attr("x2", x + 11).attr("y2", label.y).attr("stroke", label.colour).attr("stroke-opacity", .55).attr("stroke-width", .8);
    }
    plot.text(x + 14, label.y + 4, name, {size: 11.5, fill: strong.length === 0 || label.strong ? ink("ink") : ink("soft"), weight: label.strong ? 600 : 400});
  }
}
