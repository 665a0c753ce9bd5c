// Numbers as people read them: three digits, a true minus, powers of ten where they are small.
const superscript = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};

function plain(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "missing";
  if (value === 0) return "0";
  const size = Math.abs(value), sign = value < 0 ? "−" : "";
  if (size >= 1e6 || size < 1e-3) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    const power = [...String(Number(exponent))].map(c => superscript[c]).join("");
    return sign + mantissa + "\u00a0×\u00a010" + power;
  }
  if (size >= 10 ** digits) return sign + d3.format(",.0f")(size);
  const rounded = Number(size.toPrecision(digits));
  return sign + rounded.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(rounded) + 1e-12)));
}
const signed = (value, digits) => (value > 0 ? "+" : "") + plain(value, digits);

const unitName = () => ({nat: "nats", 1: ""})[data.about.unit] ?? data.about.unit;
const withUnit = (value, digits) => signed(value, digits) + (Number.isNaN(value) || !unitName() ? "" : "\u00a0" + unitName());
const inUnit = text => (unitName() ? text + ", " + unitName() : text);

// Ticks of an axis: as few digits as tell them apart.
function tickText(ticks) {
  const size = Math.max(...ticks.map(Math.abs));
  if (size > 0 && (size < 1e-3 || size >= 1e5)) return value => plain(value, 2);
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : size || 1;
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  return value => (value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
}

const counted = (count, one, many = one + "s") => d3.format(",")(count) + " " + (count === 1 ? one : many);
const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
