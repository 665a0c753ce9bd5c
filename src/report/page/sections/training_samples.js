// The training samples that lowered F most, those that raised it most, and groups of both kinds of samples.
function trainingRows(which) {
  const part = data.training_samples[which], key = "training." + which;
  if (!unpacked.has(key)) unpacked.set(key, unpack(part.values));
  const values = unpacked.get(key), row = values.shape[0] > 1 ? state.who : 0;
  return part.names.map((name, i) => ({name, value: values.at(row, i)})).filter(each => !Number.isNaN(each.value)).sort((a, b) => a.value - b.value);
}

section("training-samples", {
  needs: () => data.training_samples && data.training_samples.samples,
  title: () => {
    const rows = trainingRows("samples");
    return rows.length === 0 ? "The most helpful and most harmful training samples" : `Most helpful was ${rows[0].name} (${signed(rows[0].value)}), most harmful ${rows[rows.length - 1].name} (${signed(rows[rows.length - 1].value)} ${unitName()})`;
  },
  lede: () => `Of ${counted(data.training_samples.samples.in_all, "training sample")}: the twelve that lowered the ${F()} most, and the twelve that raised it most.`
    + (state.who === 0 ? ` All that helped add up to ${withUnit(data.training_samples.samples.helped)}, all that harmed to ${withUnit(data.training_samples.samples.harmed)}.` : ""),
  sign: () => `Negative lowered the ${F()} (helpful); ${whoText()}, summed over steps and components: the part of psi that the sample's own gradients made.`,
  draw: plot => {
    const rows = trainingRows("samples"), chosen = rows.length <= 24 ? rows : [...rows.slice(0, 12), ...rows.slice(-12)];
    const colours = divergingScale(1);
    drawBars(plot, {rows: chosen.map(row => ({...row, colour: colours.at(row.value < 0 ? -.55 : .55), strip: null, lines: () => [row.name, whoText(), withUnit(row.value)]})), label: inUnit("contribution")});
  },
  table: () => ({columns: ["train_id", "score"], rows: trainingRows("samples").map(row => [row.name, row.value])}),
});

function trainingGroups() {
  const part = data.training_samples.groups, key = "training.groups";
  if (!unpacked.has(key)) unpacked.set(key, unpack(part.values));
  return {names: part.names, values: unpacked.get(key)};
}

section("training-groups", {
  needs: () => data.training_samples && data.training_samples.groups,
  title: () => {
    const rows = trainingRows("groups");
    return rows.length === 0 ? "Groups of training samples" : `Of the groups of training samples, ${rows[0].name || "(no group)"} lowered the ${F()} most: ${withUnit(rows[0].value)}`;
  },
  lede: () => `Columns are groups of training samples, rows ${many()} whose ${F()} they changed.`,
  sign: () => `Blue lowered the ${F()}, orange raised it; ${data.about.sums ? "sums" : "means"} over the samples of a row, sums over the training samples of a column, over steps and components, ${unitName()}.`,
  draw: plot => {
    const {names, values} = trainingGroups(), rows = d3.range(values.shape[0]), label = who => (who === 0 ? "all" : data.about.cohorts[who].label);
    const left = nameWidth(rows.map(label), 20), width = Math.min(64, (plot.width - left - 8) / names.length), cell = Math.floor(Math.max(11, Math.min(24, 480 / rows.length)));
    const scale = divergingScale(largestOf(rows.flatMap(r => names.map((_, c) => values.at(r, c)))));
    const longest = d3.max(names, name => name.length), slanted = width < 7 * longest + 6;
    const y = drawColourBar(plot, scale, left, 16, Math.min(320, plot.width - left - 8)) + (slanted ? 20 + Math.min(90, 4.6 * longest) : 26);
    const every = Math.max(1, Math.ceil(13 / width));
    names.forEach((name, c) => {
      if (c % every !== 0) return;
      const x = left + (c + .5) * width, text = plot.text(x, y - 8, shortened(name || "(none)", 20), {anchor: slanted ? "start" : "middle", size: 11.5});
      if (slanted) text.attr("transform", `rotate(-40 ${x} ${y - 8})`);
    });
    drawRowNames(plot, rows.map(label), left, y, cell, 20);
    const end = drawCells(plot, {x: c => [left + c * width, left + (c + 1) * width], y, rows: rows.length, columnsOf: names.length, cellHeight: cell, scale, value: (r, c) => values.at(r, c),
      lines: (r, c) => [whoText(r), "training samples of " + (names[c] || "no group"), withUnit(values.at(r, c))]});
    plot.height = end + 10;
  },
  table: () => {
    const {names, values} = trainingGroups();
    return {columns: [many().slice(0, -1), ...names], rows: d3.range(values.shape[0]).map(r => [r === 0 ? "all" : data.about.cohorts[r].label, ...names.map((_, c) => values.at(r, c))])};
  },
});
