// A list with signed bars from one zero line, and beside each bar when it happened.
// rows: [{name, value, lines(), strip: [values by shown column] or null, colour}]
function drawBars(plot, {rows, label, stripTitle, stripLines}) {
  const size = 12.5, rowHeight = 23, top = 30;
  const hasStrip = !plot.narrow && rows.some(row => row.strip);
  const nameSpace = Math.min(plot.width * (plot.narrow ? .42 : .36), 12 + 6.9 * d3.max(rows, row => row.name.length));
  const stripWidth = hasStrip ? Math.min(220, plot.width * .22) : 0;
  const x0 = nameSpace + 66, x1 = plot.width - stripWidth - (hasStrip ? 28 : 6);
  const [low, high] = d3.extent(rows, row => row.value);
  const scale = d3.scaleLinear().domain([Math.min(0, low), Math.max(0, high)]).range([x0, x1]);
  plot.text(x0 - 66, top - 14, label, {});
  const most = hasStrip ? largestOf(rows.flatMap(row => row.strip || [])) : 0, colours = divergingScale(most);
  if (hasStrip) plot.text(plot.width - stripWidth, top - 14, stripTitle, {});
  const letters = Math.floor((nameSpace - 8) / 7);
  rows.forEach((row, r) => {
    const y = top + r * rowHeight, text = y + rowHeight / 2 + 4;
    plot.svg.append("line").attr("x1", 0).attr("x2", plot.width).attr("y1", y + .5).attr("y2", y + .5).attr("stroke", ink("grid"));
    plot.text(0, text, shortened(row.name, letters), {size, fill: ink("ink")});
    plot.text(x0 - 12, text, signed(row.value), {size, anchor: "end", fill: ink("ink")}).attr("class", "bar-value");
    const a = Math.min(scale(0), scale(row.value)), width = Math.abs(scale(0) - scale(row.value));
    plot.svg.append("rect").attr("x", a).attr("y", y + 5).attr("width", Math.max(.5, width)).attr("height", rowHeight - 10).attr("fill", row.colour)
      .attr("class", "bar").attr("data-name", row.name);
    plot.marks.push({x: 0, y: y + 1, width: x1, height: rowHeight - 2, row: r, column: 0, lines: row.lines});
  });
  plot.svg.append("line").attr("x1", scale(0)).attr("x2", scale(0)).attr("y1", top).attr("y2", top + rows.length * rowHeight).attr("stroke", ink("soft"));
  if (hasStrip) {
    const cell = stripWidth / shownColumns().length;
    rows.forEach((row, r) => {
      if (!row.strip) return;
      drawCells(plot, {x: c => [plot.width - stripWidth + c * cell, plot.width - stripWidth + (c + 1) * cell], y: top + r * rowHeight + 5, rows: 1,
        columnsOf: row.strip.length, cellHeight: rowHeight - 10, scale: colours, value: (_, c) => row.strip[c], lines: (_, c) => stripLines(r, c), rowOffset: r, columnOffset: 1});
    });
  }
  plot.height = top + rows.length * rowHeight + 4;
}

// Of a long name first what all have goes, then its middle: number of the layer and end tell most.
function shortened(name, letters) {
  for (const common of ["model.", "layers.", ".weight", "self_attn."]) {
    if (name.length > letters) name = name.replace(common, "");
  }
  if (name.length <= letters) return name;
  const begin = Math.max(3, Math.floor(letters * .3));
  return name.slice(0, begin) + "…" + name.slice(name.length - (letters - begin - 1));
}
