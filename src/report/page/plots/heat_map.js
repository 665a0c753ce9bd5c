// Cells of colour on a canvas. Rows are equally high; x(c) gives a column's [left, right].
// value(r, c): NaN is missing, undefined leaves the paper free; lines(r, c): what the tooltip says.
function drawCells(plot, {x, y, rows, columnsOf, cellHeight, scale, value, lines, rowOffset = 0, columnOffset = 0}) {
  const x0 = x(0)[0], x1 = x(columnsOf - 1)[1], height = rows * cellHeight;
  const context = plot.canvas(x0, y, x1 - x0, height);
  context.canvas.dataset.role = "cells";
  context.canvas.dataset.most = scale.most;
  const ratio = context.canvas.width / (x1 - x0), ratioY = context.canvas.height / height;
  const snap = at => Math.round(at * ratio) / ratio, snapY = at => Math.round(at * ratioY) / ratioY;
  for (let r = 0; r < rows; ++r) {
    const top = snapY(r * cellHeight), bottom = snapY((r + 1) * cellHeight);
    for (let c = 0; c < columnsOf; ++c) {
      const number = value(r, c);
      if (number === undefined) continue;
      const [a, b] = x(c).map(at => snap(at - x0));
      if (Number.isNaN(number)) {
        stripe(context, a, top, b - a, bottom - top);
      } else {
        context.fillStyle = scale.colour(number);
        context.fillRect(a, top, Math.max(b - a, .5), bottom - top);
      }
      plot.marks.push({x: x(c)[0], y: y + r * cellHeight, width: x(c)[1] - x(c)[0], height: cellHeight, row: r + rowOffset, column: c + columnOffset, lines: () => lines(r, c)});
    }
  }
  plot.svg.append("rect").attr("x", x0 - .5).attr("y", y - .5).attr("width", x1 - x0 + 1).attr("height", height + 1).attr("fill", "none").attr("stroke", ink("hair"));
  return y + height;
}

function stripe(context, x, y, width, height) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = ink("hair");
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = x - height; at < x + width; at += 6) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

// Names beside rows, as many as have room.
function drawRowNames(plot, names, x, y, cellHeight, most = 24) {
  const every = Math.max(1, Math.ceil(12.5 / cellHeight));
  names.forEach((name, r) => {
    if (r % every !== 0 && names.length > 1) return;
    const short = name.length > most ? name.slice(0, most - 1) + "…" : name;
    plot.text(x - 8, y + (r + .5) * cellHeight + 4, short, {anchor: "end", size: Math.min(12, Math.max(10, cellHeight + 1))});
  });
}
const nameWidth = (names, most = 24) => 14 + 6.3 * Math.min(most, d3.max(names, name => name.length) || 0);

// The largest |value| of a plot, for its colours.
const largestOf = values => d3.max(values, value => (value === undefined || Number.isNaN(value) ? 0 : Math.abs(value))) || 0;
