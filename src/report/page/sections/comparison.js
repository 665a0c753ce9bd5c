// Two stores side by side: by layer and kind over all common steps, and the differences by steps.
const compared = () => data.comparison;
const comparedColumns = () => d3.range(compared().from.length);
// Row of the arrays: 0 for all, else the place of the chosen group, if both stores have it.
const comparedRow = () => Math.max(0, compared().cohorts.indexOf(state.who) + 1);
const comparedWho = () => (comparedRow() === 0 ? "all samples of each" : data.about.cohorts[state.who].label);
const of = (which, column, part) => arrayOf("comparison", which).at(column, comparedRow(), part);
const difference = (column, part) => of("second", column, part) - of("first", column, part);
const comparedSum = (which, part) => comparedColumns().reduce((sum, column) => sum + of(which, column, part), 0);
const comparedSteps = i => `steps ${d3.format(",")(compared().from[i])} to ${d3.format(",")(compared().to[i])}`;
const shortKindName = kind => ({embedding: "embed", unembedding: "unembed", attention: "attn", convolution: "conv"})[kind] || kindName(kind);

section("comparison", {
  needs: () => compared() && parts.length > 1,
  title: () => {
    const sums = ["first", "second"].map(which => parts.reduce((sum, _, i) => sum + comparedSum(which, i), 0));
    return `Side by side: ${signed(sums[0])} ${unitName()} in ${compared().names[0]}, ${signed(sums[1])} in ${compared().names[1]}`;
  },
  lede: () => {
    const gaps = parts.map((part, i) => ({part, value: comparedSum("second", i) - comparedSum("first", i)}));
    const most = extreme(gaps, gap => gap.value);
    return `What kinds of parameters did in each layer between the ${compared().from.length + 1} steps from ${d3.format(",")(compared().from[0])} to ${d3.format(",")(compared().to[compared().to.length - 1])} at which both stores have a checkpoint. They differ most in the ${partName(most.part)}: ${withUnit(most.value)}.`
      + (state.who > 0 && comparedRow() === 0 ? " The chosen group is not in both stores." : "");
  },
  sign: () => `Blue lowered the ${F()}, orange raised it. In the difference (second less first) blue: the second lowered it more. ${capital(data.about.sums ? "sums" : "means")} over ${comparedWho()} (${compared().samples.join(" and ")} samples), summed over steps, ${unitName()}.`,
  draw: plot => {
    const maps = [{name: compared().names[0], value: i => comparedSum("first", i)}, {name: compared().names[1], value: i => comparedSum("second", i)}, {name: "difference", value: i => comparedSum("second", i) - comparedSum("first", i)}];
    const place = new Map(parts.map((part, i) => [part.layer + "/" + part.kind, i])), at = (r, c) => place.get(layers[r] + "/" + kinds[c]);
    const both = divergingScale(largestOf(parts.flatMap((_, i) => maps.slice(0, 2).map(map => map.value(i))))), apart = divergingScale(largestOf(parts.map((_, i) => maps[2].value(i))));
    const names = layers.map(shortLayerName), left = nameWidth(names, 12), across = plot.narrow ? 1 : 3, gap = 20, width = (plot.width - left - gap * (across - 1)) / across;
    const cell = Math.floor(Math.max(9, Math.min(24, 400 / layers.length))), column = width / kinds.length, head = 42;
    let y = drawColourBar(plot, both, left, 16, Math.min(300, plot.narrow ? width : width * 1.5)) + 8;
    if (!plot.narrow) drawColourBar(plot, apart, left + 2 * (width + gap), 16, width - 4);
    maps.forEach((map, m) => {
      const x0 = left + (across === 1 ? 0 : m * (width + gap));
      if (across === 1 && m === 2) y = drawColourBar(plot, apart, left, y + 16, Math.min(300, width)) + 8;
      const top = y + head;
      plot.text(x0, y + 14, shortened(map.name, Math.floor(width / 7.4)), {fill: ink("ink"), weight: 600, size: 12.5});
      kinds.forEach((kind, c) => plot.text(x0 + (c + .5) * column, top - 6, shortKindName(kind), {size: 11, anchor: "middle"}));
      if (across === 1 || m === 0) drawRowNames(plot, names, x0, top, cell, 12);
      drawCells(plot, {x: c => [x0 + c * column, x0 + (c + 1) * column], y: top, rows: layers.length, columnsOf: kinds.length, cellHeight: cell, scale: m === 2 ? apart : both,
        value: (r, c) => (at(r, c) === undefined ? undefined : map.value(at(r, c))), rowOffset: across === 1 ? m * layers.length : 0, columnOffset: across === 1 ? 0 : m * kinds.length,
        lines: (r, c) => [map.name + ", " + comparedWho(), partName(parts[at(r, c)]) + ", all common steps", withUnit(map.value(at(r, c)))]});
      if (across === 1) y = top + layers.length * cell + 14;
    });
    plot.height = across === 1 ? y : y + head + layers.length * cell + 8;
  },
  table: () => ({columns: ["layer", "kind", compared().names[0], compared().names[1], "difference"],
    rows: parts.map((part, i) => [part.layer, part.kind, comparedSum("first", i), comparedSum("second", i), comparedSum("second", i) - comparedSum("first", i)])}),
});

section("differences", {
  needs: () => compared() && parts.length > 1 && compared().from.length > 1,
  title: () => {
    const cells = comparedColumns().flatMap(column => parts.map((part, i) => ({part, column, value: difference(column, i)}))).filter(cell => !Number.isNaN(cell.value));
    if (cells.length === 0) return "Where and when the two differ";
    const most = extreme(cells, cell => cell.value);
    return `The two differ most in the ${partName(most.part)}, ${comparedSteps(most.column)}`;
  },
  lede: () => `The scores of ${compared().names[1]} less those of ${compared().names[0]}, for each kind of parameter; rows are layers, columns common steps.`,
  sign: () => `Blue: the second store's parts lowered the ${F()} more there; orange: less. ${capital(data.about.sums ? "sums" : "means")} over ${comparedWho()}, ${unitName()}. Striped: missing in one of the two.`,
  draw: plot => {
    const panels = layerPanels(), across = plot.width > 720 && panels.length > 1 ? 2 : 1, gap = 34, count = compared().from.length;
    const left = nameWidth(panels.flatMap(panel => panel.rows.map(row => row.name)), 16), panelWidth = (plot.width - gap * (across - 1)) / across;
    const usual = Math.floor(Math.max(7, Math.min(26, 250 / d3.max(panels, panel => panel.rows.length))));
    const scale = divergingScale(largestOf(comparedColumns().flatMap(column => parts.map((_, i) => difference(column, i)))));
    let y = drawColourBar(plot, scale, left, 16, Math.min(320, plot.width - left - 10), ["second lower", "second higher"]) + 26, rowOffset = 0;
    for (let p = 0; p < panels.length; p += across) {
      const line = panels.slice(p, p + across);
      let bottom = y;
      line.forEach((panel, q) => {
        const cell = panel.rows.length < 6 ? Math.max(16, usual) : usual, x0 = q * (panelWidth + gap) + left, width = (q * (panelWidth + gap) + panelWidth - 4 - x0) / count;
        plot.text(x0, y - 8, panel.title, {fill: ink("ink"), weight: 600, size: 12.5});
        drawRowNames(plot, panel.rows.map(row => row.name), x0, y, cell, 16);
        const end = drawCells(plot, {x: c => [x0 + c * width, x0 + (c + 1) * width], y, rows: panel.rows.length, columnsOf: count, cellHeight: cell, scale,
          value: (r, c) => difference(c, panel.rows[r].part), rowOffset, columnOffset: q * count,
          lines: (r, c) => [comparedWho(), comparedSteps(c), `${partName(parts[panel.rows[r].part])}: ${signed(of("first", c, panel.rows[r].part))} and ${signed(of("second", c, panel.rows[r].part))}`, "difference " + withUnit(difference(c, panel.rows[r].part))]});
        let taken = -Infinity;
        [compared().from[0], ...compared().to].forEach((step, i) => {
          const x = x0 + i * width, room = 8 + 6.6 * d3.format(",")(step).length;
          if (x - room / 2 < taken) return;
          taken = x + room / 2;
          plot.text(x, end + 15, d3.format(",")(step), {anchor: "middle", size: 11.5});
        });
        bottom = Math.max(bottom, end);
      });
      rowOffset += d3.max(line, panel => panel.rows.length);
      y = bottom + 58;
    }
    plot.height = y - 30;
  },
  table: () => ({columns: ["step_from", "step_to", "layer", "kind", compared().names[0], compared().names[1], "difference"],
    rows: comparedColumns().flatMap(i => parts.map((part, p) => [compared().from[i], compared().to[i], part.layer, part.kind, of("first", i, p), of("second", i, p), difference(i, p)]))}),
});
