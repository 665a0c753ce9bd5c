#include "figures/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures/palette.hpp"

namespace explaind {
namespace {

/// 1, 2 or 5 times a power of ten: about `count` of them in `span`.
double round_step(double span, int count) {
  const double rough = span / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double part = rough / power;
  return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

std::string with_minus(double value, const std::string& digits) {
  return (value < 0 ? "−" : "") + digits;
}

/// As few digits as tell ticks apart.
std::string tick_text(double value, double step, double largest) {
  if (value == 0) return "0";
  if (largest < 1e-3 || largest >= 1e5) return number_text(value, 2);
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return with_minus(value, fmt::format("{:.{}f}", std::abs(value), digits));
}

std::string raised(int exponent) {
  static const std::vector<std::string> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "⁻" : "";
  for (const char c : std::to_string(std::abs(exponent)))
    text += digits[static_cast<size_t>(c - '0')];
  return text;
}

std::string thousands(int64_t value) {
  std::string text = std::to_string(std::abs(value));
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return with_minus(static_cast<double>(value), text);
}

/// Lines of at most so many letters.
std::vector<std::string> wrapped(const std::string& words, size_t letters) {
  std::vector<std::string> lines{""};
  size_t begin = 0;
  while (begin < words.size()) {
    const size_t end = std::min(words.find(' ', begin), words.size());
    const std::string word = words.substr(begin, end - begin);
    if (!lines.back().empty() && lines.back().size() + word.size() + 1 > letters)
      lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
    begin = end + 1;
  }
  return lines;
}

}  // namespace

ValueScale ValueScale::of(const std::vector<double>& values, bool from_zero, double y0, double y1) {
  ValueScale scale{.low = INFINITY, .high = -INFINITY, .y0 = y0, .y1 = y1, .ticks = {}};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    scale.low = std::min(scale.low, value);
    scale.high = std::max(scale.high, value);
  }
  if (scale.low > scale.high) scale.low = 0, scale.high = 1;
  if (from_zero) scale.low = std::min(scale.low, 0.0), scale.high = std::max(scale.high, 0.0);
  if (scale.low == scale.high) {
    const double room = scale.low == 0 ? 1 : std::abs(scale.low);
    scale.low -= room, scale.high += room;
  }
  const double step = round_step(scale.high - scale.low, 5);
  scale.low = std::floor(scale.low / step + 1e-9) * step;
  scale.high = std::ceil(scale.high / step - 1e-9) * step;
  const auto count = static_cast<int>(std::lround((scale.high - scale.low) / step));
  for (int i = 0; i <= count; ++i) {
    const double tick = scale.low + i * step;
    scale.ticks.push_back(std::abs(tick) < step / 2 ? 0 : tick);
  }
  return scale;
}

std::string number_text(double value, int digits) {
  if (std::isnan(value)) return "missing";
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 1e6 || size < 1e-3) {
    const std::string text = fmt::format("{:.{}e}", size, digits - 1);
    const size_t e = text.find('e');
    return with_minus(
        value, text.substr(0, e) + "\u00a0×\u00a010" + raised(std::stoi(text.substr(e + 1))));
  }
  if (size >= std::pow(10.0, digits)) return thousands(std::llround(value));
  const double rounded = std::stod(fmt::format("{:.{}e}", size, digits - 1));
  const int after = digits - 1 - static_cast<int>(std::floor(std::log10(rounded) + 1e-12));
  return with_minus(value, fmt::format("{:.{}f}", rounded, std::max(0, after)));
}

std::string signed_text(double value) { return (value > 0 ? "+" : "") + number_text(value); }

std::string xml_text(const std::string& words) {
  std::string text;
  for (const char c : words) {
    if (c == '&') {
      text += "&amp;";
    } else if (c == '<') {
      text += "&lt;";
    } else if (c == '"') {
      text += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text += ' ';  // what XML has no way to write
    } else {
      text += c;
    }
  }
  return text;
}

std::string shortened(const std::string& name, size_t letters) {
  if (name.size() <= letters) return name;
  const size_t begin = letters * 3 / 10;
  size_t first = begin, last = name.size() - (letters - begin - 1);
  const auto inside = [&](size_t at) {
    return (static_cast<unsigned char>(name[at]) & 0xc0U) == 0x80U;
  };
  while (first > 0 && inside(first)) --first;
  while (last < name.size() && inside(last)) ++last;
  return name.substr(0, first) + "…" + name.substr(last);
}

Drawing::Drawing(const FigureWords& words) : words_(words) {
  text(0, 20, words.title, {.size = 15, .colour = ink_colour, .bold = true});
}

void Drawing::text(double x, double y, const std::string& words, const TextLook& look) {
  raw(fmt::format(
      R"(<text x="{:.1f}" y="{:.1f}" font-size="{}" fill="{}" text-anchor="{}"{}>{}</text>)", x, y,
      look.size, look.colour, look.anchor, look.bold ? R"( font-weight="600")" : "",
      xml_text(words)));
}

void Drawing::line(double x1, double y1, double x2, double y2, const std::string& colour,
                   double stroke) {
  raw(fmt::format(
      R"(<line x1="{:.3f}" y1="{:.3f}" x2="{:.3f}" y2="{:.3f}" stroke="{}" stroke-width="{}"/>)",
      x1, y1, x2, y2, colour, stroke));
}

void Drawing::box(double x, double y, double w, double h, const std::string& fill,
                  const std::string& more) {
  raw(fmt::format(R"(<rect x="{:.3f}" y="{:.3f}" width="{:.3f}" height="{:.3f}" fill="{}"{}{}/>)",
                  x, y, w, h, fill, more.empty() ? "" : " ", more));
}

void Drawing::missing(double x, double y, double w, double h) {
  box(x, y, w, h, "url(#stripes)", R"(class="missing")");
}

void Drawing::value_axis(const ValueScale& scale, double x0, double x1, const std::string& words) {
  const double largest = std::max(std::abs(scale.low), std::abs(scale.high));
  const double step = scale.ticks[1] - scale.ticks[0];
  for (const double tick : scale.ticks) {
    const double y = scale.at(tick);
    line(x0, y, x1, y, tick == 0 ? soft_colour : grid_colour, 1);
    raw(fmt::format(
        R"(<text class="value-tick" data-value="{}" x="{:.1f}" y="{:.3f}" dy=".35em" font-size="11.5" fill="{}" text-anchor="end">{}</text>)",
        tick, x0 - 8, y, soft_colour, xml_text(tick_text(tick, step, largest))));
  }
  text(0, scale.y0 - 14, words, {});
}

void Drawing::step_axis(const StepSpan& steps, const ColumnScale& columns, double y) {
  line(columns.x0, y, columns.x1, y, soft_colour, 1);
  // Both ends of a column have a number where there is room: seven pixels a digit.
  double free_from = -1e9;
  const auto tick = [&](double x, int64_t step) {
    const std::string number = thousands(step);
    const double half = 3.5 * static_cast<double>(number.size()) + 5;
    if (x - half < free_from) return;
    line(x, y, x, y + 4, soft_colour, 1);
    text(x, y + 17, number, {.anchor = "middle", .size = 11.5});
    free_from = x + half;
  };
  for (size_t i = 0; i < columns.count; ++i) {
    if (i == 0 || steps.from[i] != steps.to[i - 1]) tick(columns.left(i), steps.from[i]);
    tick(columns.left(i) + columns.width(), steps.to[i]);
  }
  text((columns.x0 + columns.x1) / 2, y + 35, "training step", {.anchor = "middle"});
}

double Drawing::legend(const std::vector<std::pair<std::string, std::string>>& named, double y) {
  double x = 0;
  for (const auto& [name, colour] : named) {
    const double wide = 24 + 6.6 * static_cast<double>(name.size());
    if (x > 0 && x + wide > width) x = 0, y += 19;
    box(x, y - 9, 11, 11, colour,
        fmt::format(R"(rx="2" class="legend" data-name="{}")", xml_text(name)));
    text(x + 16, y + 1, name, {.colour = ink_colour});
    x += wide + 8;
  }
  return y + 14;
}

std::string Drawing::document(double bottom) const {
  std::string note;
  double y = bottom + 20;
  for (const std::string& words : wrapped(words_.note, 118)) {
    note += fmt::format(R"(<text x="0" y="{:.1f}" font-size="11.5" fill="{}">{}</text>)", y,
                        soft_colour, xml_text(words)) +
            "\n";
    y += 16;
  }
  constexpr double margin = 14;
  const double high = y - 4 + margin;
  return figure_mark + std::string("\n") +
         fmt::format(
             R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="{0} {0} {1} {2:.1f}" width="{1}" height="{2:.1f}" font-family="Helvetica, Arial, sans-serif" role="img">)",
             -margin, width + 2 * margin, high + margin) +
         fmt::format(
             R"svg(
<title>{}</title>
<desc>{}</desc>
<defs><pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line y2="6" stroke="#cfc9bd" stroke-width="2"/></pattern></defs>
<rect x="{}" y="{}" width="{}" height="{:.1f}" fill="#ffffff"/>
)svg",
             xml_text(words_.title), xml_text(words_.value_axis + ". " + words_.note), -margin,
             -margin, width + 2 * margin, high + margin) +
         body_ + note + "</svg>\n";
}

}  // namespace explaind
