// Texts whose tokens are coloured by what parts of the model did there; without tokens a map of positions.
function textValues(text) {
  const key = "text." + text.name;
  if (!unpacked.has(key)) unpacked.set(key, unpack(text.values));
  return unpacked.get(key).values;
}
const shownTexts = () => data.positions.texts.filter(text => state.who === 0 || data.about.cohort_coordinate === "id" ? true : text.group === data.about.cohorts[state.who].label);
const textScale = () => divergingScale(largestOf(data.positions.texts.flatMap(text => [...textValues(text)])));
const hasTokens = () => data.positions.texts.some(text => text.tokens);

section("positions", {
  needs: () => data.positions && data.positions.texts.length > 0,
  title: () => {
    const texts = shownTexts();
    const cells = texts.flatMap(text => [...textValues(text)].map((value, i) => ({text, i, value}))).filter(cell => !Number.isNaN(cell.value));
    if (cells.length === 0) return "Where in the text the model's parts acted";
    const most = extreme(cells, cell => cell.value), token = most.text.tokens ? `“${most.text.tokens[most.i].trim()}”` : `position ${most.i}`;
    return `Where in the text: ${token} of ${most.text.name} most, ${withUnit(most.value)}`;
  },
  lede: () => `A colour is what all parts of the model, used at that token, did to the ${F()} of the text, over all steps` + (data.positions.in_all > data.positions.texts.length ? ` (the first ${data.positions.texts.length} of ${data.positions.in_all} samples).` : "."),
  sign: () => `Blue lowered the ${F()}, orange raised it, ${unitName()}. A score stands at the position where a parameter was used, not at the token that was predicted.`,
  draw: plot => {
    const scale = textScale(), texts = shownTexts();
    if (hasTokens()) {
      plot.height = drawColourBar(plot, scale, 0, 16, Math.min(320, plot.width)) + 6;
      drawTexts(plot.figure, scale, texts);
      return;
    }
    const names = texts.map(text => text.name), left = nameWidth(names, 18), longest = d3.max(texts, text => textValues(text).length) || 1;
    const y = drawColourBar(plot, scale, left, 16, Math.min(320, plot.width - left)) + 14, width = (plot.width - left - 4) / longest, cell = 18;
    drawRowNames(plot, names, left, y, cell, 18);
    const end = drawCells(plot, {x: c => [left + c * width, left + (c + 1) * width], y, rows: texts.length, columnsOf: longest, cellHeight: cell, scale,
      value: (r, c) => (c < textValues(texts[r]).length ? textValues(texts[r])[c] : undefined), lines: (r, c) => [texts[r].name, "position " + c, withUnit(textValues(texts[r])[c])]});
    const every = Math.ceil(34 / width);
    for (let c = 0; c < longest; c += every) plot.text(left + (c + .5) * width, end + 15, String(c), {anchor: "middle", size: 11.5});
    plot.text(left + (plot.width - left) / 2, end + 33, "position", {anchor: "middle"});
    plot.height = end + 40;
  },
  table: () => ({columns: ["sample", "position", "token", "score"], rows: shownTexts().flatMap(text => [...textValues(text)].map((value, i) => [text.name, i, text.tokens ? text.tokens[i] : "", value]))}),
});

// Running text: each token a span with its colour, its number on hover and focus.
function drawTexts(figure, scale, texts) {
  let place = figure.node.querySelector(".texts");
  if (!place) {
    place = document.createElement("div");
    place.className = "texts";
    figure.place.after(place);
  }
  place.replaceChildren();
  for (const text of texts) {
    const values = textValues(text), sum = d3.sum(values);
    const paragraph = element(place, "div", "text");
    element(paragraph, "div", "text-name", `${text.name}${text.group && text.group !== text.name ? " · " + text.group : ""} · ${withUnit(sum)}` + (text.length > values.length ? ` in the first ${values.length} of ${text.length} tokens` : ""));
    const words = element(paragraph, "p");
    words.dir = "auto";
    text.tokens.forEach((token, i) => {
      const span = element(words, "span", "token", token.replaceAll("\n", "↵"));
      const colour = scale.colour(values[i]);
      if (!Number.isNaN(values[i])) {
        span.style.background = colour;
        span.style.color = d3.lab(colour).l > 58 ? "#1f1e1b" : "#f6f3ee";
      }
      const lines = () => [`${text.name}, position ${i}`, JSON.stringify(token), withUnit(values[i])];
      span.onpointerenter = event => showTooltip(lines(), event.clientX, event.clientY);
      span.onpointerleave = hideTooltip;
      span.dataset.position = i;
    });
    words.tabIndex = 0;
    let at = -1;
    words.onkeydown = event => {
      const move = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!move) return;
      event.preventDefault();
      at = Math.max(0, Math.min(text.tokens.length - 1, at + move));
      const box = words.children[at].getBoundingClientRect();
      showTooltip([`${text.name}, position ${at}`, JSON.stringify(text.tokens[at]), withUnit(values[at])], box.left, box.bottom);
    };
    words.onblur = hideTooltip;
  }
}
