// Where a column of steps lies: all columns equally wide, or by steps (linear or logarithmic). All plots over steps share it.
const stepsAscend = columns.to.every((to, i) => to > columns.from[i] && (i === 0 || columns.from[i] >= columns.to[i - 1]));
const stepModes = stepsAscend && columnCount > 1 ? ["even", "log", "linear"] : ["even"];

function stepAxis(x0, x1) {
  const first = firstColumn(), last = lastColumn();
  let left, right;
  if (state.axis === "even" || stepModes.length === 1) {
    const width = (x1 - x0) / (last - first + 1);
    left = i => x0 + (i - first) * width;
    right = i => x0 + (i - first + 1) * width;
  } else {
    const begin = columns.from[first], least = d3.min(d3.range(first, last + 1), i => columns.to[i] - columns.from[i]);
    const place = state.axis === "log" ? step => Math.log1p((step - begin) / least) : step => step - begin;
    const scale = d3.scaleLinear().domain([0, place(columns.to[last])]).range([x0, x1]);
    left = i => scale(place(columns.from[i]));
    right = i => scale(place(columns.to[i]));
  }
  return {left, right, middle: i => (left(i) + right(i)) / 2, width: i => right(i) - left(i)};
}

// Steps below a plot; as many labels as have room.
function drawStepAxis(plot, axis, y, options = {}) {
  const shown = shownColumns();
  const ticks = [{x: axis.left(shown[0]), step: columns.from[shown[0]]}, ...shown.map(i => ({x: axis.right(i), step: columns.to[i]}))];
  const group = plot.svg.append("g").attr("class", "step-axis");
  const x0 = ticks[0].x, x1 = ticks[ticks.length - 1].x;
  group.append("line").attr("x1", x0).attr("x2", x1).attr("y1", y + .5).attr("y2", y + .5).attr("stroke", ink("soft")).attr("stroke-opacity", .55);
  const room = step => 8 + 6.6 * d3.format(",")(step).length;
  let taken = -Infinity;
  const lastTick = ticks[ticks.length - 1];
  ticks.forEach((tick, i) => {
    const width = room(tick.step), isLast = i === ticks.length - 1;
    if (ticks.length <= 48) group.append("line").attr("x1", tick.x).attr("x2", tick.x).attr("y1", y).attr("y2", y + 4).attr("stroke", ink("soft")).attr("stroke-opacity", .55);
    const collides = tick.x - width / 2 < taken || (!isLast && tick.x + width / 2 > lastTick.x - room(lastTick.step) / 2);
    if (collides) return;
    taken = tick.x + width / 2;
    if (ticks.length > 48) group.append("line").attr("x1", tick.x).attr("x2", tick.x).attr("y1", y).attr("y2", y + 4).attr("stroke", ink("soft")).attr("stroke-opacity", .55);
    plot.text(tick.x, y + 17, d3.format(",")(tick.step), {anchor: "middle", size: 11.5}).attr("class", "step");
  });
  if (options.title !== false) plot.text((x0 + x1) / 2, y + 35, "training step", {anchor: "middle"});
}

// Dragging across a plot looks at those steps alone; a double click, or Escape, shows all again.
function zoomBySteps(plot, axis, y0, y1) {
  const node = plot.svg.node();
  if (node.explaindZoom) node.removeEventListener("pointerdown", node.explaindZoom);
  node.explaindZoom = event => {
    if (event.pointerType === "touch" || event.button !== 0) return;
    const box = node.getBoundingClientRect(), begin = event.clientX - box.left;
    const shown = shownColumns(), low = axis.left(shown[0]), high = axis.right(shown[shown.length - 1]);
    if (begin < low || begin > high) return;
    const band = plot.svg.append("rect").attr("y", y0).attr("height", y1 - y0).attr("fill", ink("ink")).attr("fill-opacity", .1);
    const span = to => [Math.max(low, Math.min(begin, to)), Math.min(high, Math.max(begin, to))];
    const move = moved => {
      const [a, b] = span(moved.clientX - box.left);
      band.attr("x", a).attr("width", b - a);
    };
    const end = ended => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      band.remove();
      const [a, b] = span(ended.clientX - box.left);
      if (b - a < 12) return;
      const inside = shown.filter(i => axis.middle(i) >= a && axis.middle(i) <= b);
      if (inside.length > 0) choose({first: inside[0], last: inside[inside.length - 1]});
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
  };
  node.addEventListener("pointerdown", node.explaindZoom);
  node.ondblclick = () => choose({first: null, last: null});
}
