// Signed stacks: what lowered F hangs below zero, what raised it stands above, and a dash is their sum.
function drawStack(plot, {names, colours, value, total, label, lines, height = 340}) {
  const shown = shownColumns(), left = 56, x1 = plot.width - 12;
  const top = drawLegend(plot, names, colours, 0, 0) + 26;
  const y1 = top + height - 66;
  plot.height = y1 + 42;
  const axis = stepAxis(left, x1);
  const bars = shown.map(column => {
    let up = 0, down = 0;
    const whole = names.some((_, k) => Number.isNaN(value(column, k)));
    const boxes = whole ? [] : names.map((_, k) => {
      const size = value(column, k);
      const base = size < 0 ? down : up;
      if (size < 0) down += size; else up += size;
      return [base, base + size];
    });
    return {column, boxes, up, down, isMissing: whole};
  });
  const scale = d3.scaleLinear().domain([Math.min(0, d3.min(bars, bar => bar.down)), Math.max(0, d3.max(bars, bar => bar.up))]).nice(6).range([y1, top]);
  if (scale.domain()[0] === scale.domain()[1]) scale.domain([-1, 1]);
  drawValueAxis(plot, scale, left, x1, label);
  const gap = i => Math.min(3, axis.width(i) * .12);
  bars.forEach((bar, i) => {
    const x = axis.left(bar.column) + gap(bar.column) / 2, width = Math.max(.8, axis.width(bar.column) - gap(bar.column));
    if (bar.isMissing) {
      drawMissing(plot, x, top, width, y1 - top);
      plot.marks.push({x, y: top, width, height: y1 - top, row: 0, column: i, lines: () => [segmentText(bar.column), "not computed yet"]});
      return;
    }
    bar.boxes.forEach(([from, to], k) => {
      const y = Math.min(scale(from), scale(to)), size = Math.abs(scale(from) - scale(to));
      plot.svg.append("rect").attr("x", x).attr("y", y).attr("width", width).attr("height", size).attr("fill", colours[k])
        .attr("class", "bar").attr("data-column", bar.column).attr("data-part", names[k]);
      plot.marks.push({x, y, width, height: size, row: k, column: i, lines: () => lines(bar.column, k)});
    });
    const sum = total(bar.column);
    plot.svg.append("line").attr("x1", x - 1).attr("x2", x + width + 1).attr("y1", scale(sum)).attr("y2", scale(sum)).attr("stroke", ink("ink")).attr("stroke-width", 1.6);
  });
  drawStepAxis(plot, axis, y1);
  zoomBySteps(plot, axis, top, y1);
}

// Blank with fine stripes: nothing is known there, which is not zero.
function drawMissing(plot, x, y, width, height) {
  const id = "stripes-" + plot.figure.name;
  if (plot.svg.select("#" + id).empty()) {
    plot.svg.append("defs").append("pattern").attr("id", id).attr("width", 6).attr("height", 6).attr("patternUnits", "userSpaceOnUse").attr("patternTransform", "rotate(45)")
      .append("line").attr("y2", 6).attr("stroke", ink("hair")).attr("stroke-width", 2);
  }
  plot.svg.append("rect").attr("x", x).attr("y", y).attr("width", width).attr("height", height).attr("fill", `url(#${id})`).attr("class", "missing");
}
