#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures/drawing.hpp"
#include "figures/figure.hpp"
#include "figures/palette.hpp"

namespace explaind {

std::string draw_bars(const FigureWords& words, const std::vector<Bar>& bars) {
  Drawing drawing(words);
  double low = 0, high = 0;
  for (const Bar& bar : bars) {
    if (!std::isfinite(bar.value)) continue;
    low = std::min(low, bar.value);
    high = std::max(high, bar.value);
  }
  if (low == high) high = 1;
  constexpr double names = 300, numbers = 74, row = 22;
  const double x0 = names + numbers, y0 = Drawing::top;
  const auto at = [&](double value) {
    return x0 + (value - low) / (high - low) * (Drawing::width - x0);
  };
  drawing.text(names, y0 - 12, words.value_axis, {});
  for (size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double y = y0 + static_cast<double>(i) * row;
    drawing.line(0, y, Drawing::width, y, grid_colour, 1);
    drawing.text(0, y + row / 2 + 4, shortened(bar.name, 44), {.colour = ink_colour});
    drawing.text(x0 - 12, y + row / 2 + 4, signed_text(bar.value),
                 {.anchor = "end", .colour = ink_colour});
    if (!std::isfinite(bar.value)) continue;
    drawing.box(std::min(at(0), at(bar.value)), y + 5, std::abs(at(bar.value) - at(0)), row - 10,
                bar.colour, fmt::format(R"(class="bar" data-name="{}")", xml_text(bar.name)));
  }
  const double bottom = y0 + static_cast<double>(bars.size()) * row;
  drawing.line(at(0), y0, at(0), bottom, soft_colour, 1);
  return drawing.document(bottom + 4);
}

}  // namespace explaind
