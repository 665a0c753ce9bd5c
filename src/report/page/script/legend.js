// Legends inside the picture, so that a downloaded one has them too.

// Named colours in a row, wrapped; returns where they end. Many names, of layers, become a ramp.
function drawLegend(plot, names, colours, x0, y0) {
  if (names.length > 12) {
    const width = Math.min(14, (plot.width - x0 - 160) / names.length);
    const first = plot.text(x0, y0 + 10, names[0]).node().getComputedTextLength() + 8;
    names.forEach((_, i) => plot.svg.append("rect").attr("x", x0 + first + i * width).attr("y", y0).attr("width", width + .3).attr("height", 11).attr("fill", colours[i]));
    plot.text(x0 + first + names.length * width + 8, y0 + 10, names[names.length - 1]);
    return y0 + 22;
  }
  let x = x0, y = y0;
  names.forEach((name, i) => {
    const text = plot.text(x + 17, y + 10, name, {fill: ink("ink")});
    const width = text.node().getComputedTextLength() + 36;
    if (x > x0 && x + width - 18 > plot.width) {
      x = x0;
      y += 19;
      text.attr("x", x + 17).attr("y", y + 10);
    }
    plot.svg.append("rect").attr("x", x).attr("y", y).attr("width", 11).attr("height", 11).attr("rx", 2).attr("fill", colours[i]);
    x += width;
  });
  return y + 24;
}

// The colours of a heat map with their values; read back by whoever wants to check them.
function drawColourBar(plot, scale, x, y, width, words = ["lowered", "raised"]) {
  const context = plot.canvas(x, y, width, 10);
  for (let i = 0; i < width; ++i) {
    context.fillStyle = scale.at(2 * (i + .5) / width - 1);
    context.fillRect(i, 0, 1.5, 10);
  }
  context.canvas.dataset.role = "legend";
  context.canvas.dataset.most = scale.most;
  const at = part => x + width * (part + 1) / 2;
  const ticks = width < 310 ? [[-1, "start"], [0, "middle"], [1, "end"]] : [[-1, "start"], [-.5, "middle"], [0, "middle"], [.5, "middle"], [1, "end"]];
  for (const [part, anchor] of ticks) {
    plot.svg.append("line").attr("x1", at(part)).attr("x2", at(part)).attr("y1", y + 10).attr("y2", y + 13).attr("stroke", ink("soft"));
    plot.text(at(part), y + 25, part === 0 ? "0" : signed(scale.valueAt(part)), {anchor, size: 11.5}).attr("class", "colour-tick").attr("data-at", at(part)).attr("data-most", scale.most);
  }
  plot.text(at(-.5), y - 5, "← " + words[0], {anchor: "middle", size: 11.5});
  plot.text(at(.5), y - 5, words[1] + " →", {anchor: "middle", size: 11.5});
  return y + 30;
}
