// Palettes that colour-blind readers can tell apart, for light and for dark paper.
const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark";
const ink = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// After Okabe and Ito.
const kindColours = {
  attention: "#0072b2", mlp: "#e69f00", norm: "#cc79a7", embedding: "#009e73", unembedding: "#d55e00",
  position: "#7a5195", convolution: "#56b4e9", bias: "#8c8c8c",
};
const spareColours = ["#56b4e9", "#b3a100", "#7a5195", "#8c8c8c"];
function kindColour(kind, names) {
  if (kindColours[kind]) return kindColours[kind];
  const rest = names.filter(name => !kindColours[name]);
  return spareColours[rest.indexOf(kind) % spareColours.length];
}

// Blocks from first to last by lightness and hue; what stands before and after them has colours of its own.
function layerColour(place, count, before, after) {
  if (before) return kindColours.embedding;
  if (after) return kindColours.unembedding;
  const [from, to] = isDark() ? [.22, .98] : [.04, .84];
  return d3.interpolateViridis(count < 2 ? .4 : from + (to - from) * place / (count - 1));
}

// Lines of many groups: the chosen one stands out.
const lineColours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b3a100", "#56b4e9", "#7a5195", "#8c8c8c"];

const diverging = {
  light: ["#0a2c5a", "#1f5f99", "#4a90c2", "#a9cbe0", "#f6f3ee", "#f3c39b", "#dd8040", "#a8460f", "#5c1e05"],
  dark: ["#d5eeff", "#7cc0f0", "#2f7fbf", "#1e466a", "#20242a", "#5f3317", "#b5622a", "#f0a060", "#ffe5cc"],
};

// Colours of signed values from −most to most, the paper's own at 0: blue lowered F, orange raised it.
function divergingScale(most) {
  const stops = diverging[isDark() ? "dark" : "light"];
  const colour = d3.scaleLinear().domain(stops.map((_, i) => i / 4 - 1)).range(stops).clamp(true);
  const place = value => {
    const part = most > 0 ? value / most : 0;
    return state.colour === "root" ? Math.sign(part) * Math.sqrt(Math.abs(part)) : part;
  };
  const valueAt = part => most * (state.colour === "root" ? Math.sign(part) * part * part : part);
  return {most, place, valueAt, colour: value => colour(place(value)), at: part => colour(part)};
}
