// How alike samples are by what changed them, in the order of their groups.
section("similarity", {
  needs: () => data.similarity,
  title: () => {
    const cosine = arrayOf("similarity", "cosine"), {names} = data.similarity;
    let best = null;
    names.forEach((_, a) => names.forEach((__, b) => { if (a < b && !(cosine.at(a, b) <= (best ? best.value : -2))) best = {a, b, value: cosine.at(a, b)}; }));
    const label = i => (data.similarity.of === "sample" && data.about.cohort_coordinate === "group" && data.about.groups === names.length ? data.similarity.groups[i] : names[i]);
    return best && !Number.isNaN(best.value) ? `${label(best.a)} and ${label(best.b)} were changed most alike (cosine ${plain(best.value, best.value > .99 ? 4 : 3)})` : "Which samples were changed alike";
  },
  lede: () => `The cosine between the contributions of every two ${data.similarity.of}s over all ${data.similarity.parts === "tensor" ? "tensors" : "components"}, summed over steps: 1 is the same mix of parts whatever its size.` + (data.similarity.groups.length > 0 && data.about.groups > 1 ? " In the order of groups." : ""),
  sign: () => "Orange: alike (towards 1); blue: opposite (towards −1). Without unit." + (data.about.complete ? "" : " Of an unfinished store: over what both have."),
  draw: plot => {
    const cosine = arrayOf("similarity", "cosine"), {names, groups} = data.similarity, n = names.length;
    const values = d3.range(n).flatMap(a => d3.range(n).filter(b => a !== b).map(b => cosine.at(a, b))).filter(value => !Number.isNaN(value));
    const left = nameWidth(names, 14) + (groups.length > 0 ? 4 : 0), size = Math.min(plot.width - left - 4, 620), cell = size / n;
    const least = d3.min(values), spread = least > 0;
    // All alike: colours begin at the least similar pair, or nothing could be told apart.
    const low = spread ? Math.max(0, least - .1 * (1 - least)) : -1;
    const scale = spread ? sequentialScale(low, 1) : cosineScale();
    const y = drawSequentialBar(plot, scale, left, 16, Math.min(280, size), spread ? low : -1) + 14;
    drawRowNames(plot, names, left, y, cell, 14);
    const end = drawCells(plot, {x: c => [left + c * cell, left + (c + 1) * cell], y, rows: n, columnsOf: n, cellHeight: cell, scale, value: (r, c) => cosine.at(r, c),
      lines: (r, c) => [`${names[r]}${groups[r] ? " (" + groups[r] + ")" : ""}`, `${names[c]}${groups[c] ? " (" + groups[c] + ")" : ""}`, "cosine " + plain(cosine.at(r, c), 4)]});
    for (let i = 1; i < groups.length && new Set(groups).size < n; ++i) {
      if (groups[i] === groups[i - 1]) continue;
      plot.svg.append("path").attr("d", `M${left},${y + i * cell}H${left + size}M${left + i * cell},${y}V${end}`).attr("stroke", ink("paper")).attr("stroke-width", 1.5);
    }
    plot.height = end + 10;
  },
  table: () => {
    const cosine = arrayOf("similarity", "cosine"), {names} = data.similarity;
    return {columns: [data.similarity.of, ...names], rows: names.map((name, r) => [name, ...names.map((_, c) => cosine.at(r, c))])};
  },
});

// From −1 to 1 in proportion, or from the least similar pair up.
function cosineScale() {
  const scale = divergingScale(1);
  return {most: 1, colour: value => scale.at(value), at: part => scale.at(part)};
}
function sequentialScale(low, high) {
  const scale = divergingScale(1), place = value => (value - low) / (high - low);
  return {most: high, colour: value => scale.at(place(value)), at: part => scale.at((part + 1) / 2)};
}
function drawSequentialBar(plot, scale, x, y, width, low) {
  const context = plot.canvas(x, y, width, 10);
  for (let i = 0; i < width; ++i) {
    context.fillStyle = scale.at(2 * (i + .5) / width - 1);
    context.fillRect(i, 0, 1.5, 10);
  }
  for (const [part, anchor] of [[0, "start"], [.5, "middle"], [1, "end"]]) plot.text(x + width * part, y + 25, plain(low + part * (1 - low), low > .9 ? 4 : 3), {anchor, size: 11.5});
  plot.text(x + width / 2, y - 5, "cosine", {anchor: "middle", size: 11.5});
  return y + 30;
}
