// What stands out beyond chance: steps at which something shifts on a line of steps, and all findings in tables below.
const searchTitles = {phases: "phase changes", clusters: "clusters of samples", divergences: "differences between groups", handovers: "hand-overs"};
const searchCounts = {phases: ["phase change"], clusters: ["cluster"], divergences: ["difference between groups", "differences between groups"], handovers: ["hand-over"]};

function findingCell(value) { return typeof value === "number" ? (Number.isInteger(value) ? d3.format(",")(value).replace("-", "−") : plain(value, 3)) : String(value); }

// Rows of a search as objects.
function foundRows(name) {
  const search = data.findings.searches.find(each => each.name === name);
  return !search || search.why_not ? [] : search.rows.map(row => Object.fromEntries(search.columns.map((column, i) => [column, row[i]])));
}

// Where a step lies that a column begins with; of columns that join segments, the beginning of the one that holds it.
function columnOfStep(step) { return d3.range(columnCount).filter(i => columns.from[i] <= step && step < columns.to[i])[0]; }

function findingsTitle() {
  const counts = data.findings.searches.filter(search => search.found > 0).map(search => counted(search.found, ...searchCounts[search.name]));
  return counts.length === 0 ? "Nothing stands out beyond chance" : capital(counts.join(", ")) + " beyond chance";
}

section("findings", {
  needs: () => data.findings && data.findings.searches,
  title: findingsTitle,
  lede: () => `Steps at which the mix of contributions shifts or components take over from others. Below: these, clusters of samples, and components in which groups differ. With a chance of ${plain(100 * data.findings.level, 2)} % anything is here that is not there: each of ${counted(data.findings.searches.length, "search", "searches")} is tested at ${plain(data.findings.level_of_each, 3)}.`
    + (data.findings.left_to_find.length > 0 ? ` Left to explaind find, since it would take long: ${data.findings.left_to_find.map(name => searchTitles[name]).join(", ")}.` : ""),
  sign: () => `Of all samples. From ${d3.format(",")(data.findings.permutations)} random orders, seed ${data.findings.seed}; explaind find draws more.` + data.findings.notes.map(note => " " + capital(note) + ".").join(""),
  draw: plot => {
    const lanes = [["phases", "phase changes", "#0072b2", row => ["the mix moves by " + plain(row.moved, 2), row.shares]], ["handovers", "hand-overs", "#d55e00", row => [`${row.stops} stops: ${row.falls}`, `${row.begins} begins: ${row.rises}`]]];
    const left = 104, right = plot.width - 16, axis = stepAxis(left, right), height = 34, top = 12;
    lanes.forEach(([name, label, colour, words], lane) => {
      const y = top + lane * height, rows = foundRows(name);
      plot.text(left - 10, y + height / 2 + 4, label, {anchor: "end"});
      plot.svg.append("line").attr("x1", left).attr("x2", right).attr("y1", y + height / 2 + .5).attr("y2", y + height / 2 + .5).attr("stroke", ink("hair"));
      if (rows.length === 0) plot.text((left + right) / 2, y + height / 2 - 4, "none", {anchor: "middle", size: 11.5});
      for (const row of rows) {
        const column = columnOfStep(row.step);
        if (column === undefined || column < firstColumn() || column > lastColumn()) continue;
        const x = axis.left(column);
        plot.svg.append("rect").attr("class", "finding").attr("x", x - 2.5).attr("y", y + 5).attr("width", 5).attr("height", height - 10).attr("rx", 2.5).attr("fill", colour);
        plot.marks.push({x: x - 2.5, y: y + 5, width: 5, height: height - 10, row: lane, column, lines: () => [`${label.slice(0, -1)} at step ${d3.format(",")(row.step)}`, ...words(row), "adjusted p " + plain(row.p_adjusted, 2)]});
      }
    });
    const bottom = top + lanes.length * height + 6;
    drawStepAxis(plot, axis, bottom);
    plot.height = bottom + 42;
  },
  table: () => ({columns: ["search", "finding", "what", "value"], rows: data.findings.searches.filter(search => !search.why_not).flatMap(search => search.rows.flatMap((row, i) => search.columns.map((column, c) => [search.name, i + 1, column, row[c]])))}),
  extra: node => {
    for (const search of data.findings.searches) {
      const details = element(node, "details");
      element(details, "summary", "sign", capital(searchTitles[search.name]) + ": " + (search.why_not ? "not asked" : search.found === 0 ? "none" : search.found)).style.cursor = "pointer";
      if (search.why_not) {
        element(details, "p", "sign", capital(search.why_not) + ".");
        continue;
      }
      if (search.rows.length > 0) {
        const table = element(element(details, "div", "scrolls"), "table", "pairs"), head = element(table, "tr");
        for (const column of search.columns) element(head, "th", "", column.replaceAll("_", " "));
        for (const cells of search.rows) {
          const row = element(table, "tr");
          for (const cell of cells) element(row, "td", "", findingCell(cell));
        }
      }
      if (search.found > search.rows.length) element(details, "p", "sign", `And ${search.found - search.rows.length} more: explaind find.`);
      for (const sentence of search.said) element(details, "p", "sign", sentence);
      element(details, "p", "sign", `Statistic: ${search.statistic}. Test: ${search.test}. Correction: ${search.correction}.` + (search.smallest_p === undefined ? "" : ` Smallest adjusted p: ${plain(search.smallest_p, 2)}.`));
    }
  },
});
