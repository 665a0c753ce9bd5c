#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures/drawing.hpp"
#include "figures/figure.hpp"
#include "figures/palette.hpp"

namespace explaind {
namespace {

/// How far a column reaches below and above zero; NaN where a part is missing.
std::pair<double, double> reach(const std::vector<StackedPart>& parts, size_t column) {
  double down = 0, up = 0;
  for (const StackedPart& part : parts) {
    const double value = part.values[column];
    if (std::isnan(value)) return {NAN, NAN};
    (value < 0 ? down : up) += value;
  }
  return {down, up};
}

void draw_column(Drawing& drawing, const std::vector<StackedPart>& parts, size_t column,
                 const ColumnScale& columns, const ValueScale& scale) {
  const double gap = std::min(3.0, columns.width() * 0.12);
  const double x = columns.left(column) + gap / 2, wide = columns.width() - gap;
  if (std::isnan(reach(parts, column).first)) {
    drawing.missing(x, scale.y0, wide, scale.y1 - scale.y0);
    return;
  }
  double down = 0, up = 0;
  for (const StackedPart& part : parts) {
    const double value = part.values[column];
    double& base = value < 0 ? down : up;
    const double a = scale.at(base), b = scale.at(base + value);
    base += value;
    drawing.box(
        x, std::min(a, b), wide, std::abs(a - b), part.colour,
        fmt::format(R"(class="bar" data-column="{}" data-part="{}")", column, xml_text(part.name)));
  }
  const double y = scale.at(down + up);
  drawing.line(x - 1, y, x + wide + 1, y, ink_colour, 1.6);
}

}  // namespace

std::string draw_stack(const FigureWords& words, const StepSpan& steps,
                       const std::vector<StackedPart>& parts) {
  Drawing drawing(words);
  std::vector<std::pair<std::string, std::string>> named;
  for (const StackedPart& part : parts) named.emplace_back(part.name, part.colour);
  const double top = drawing.legend(named, Drawing::top - 20) + 30;
  std::vector<double> reached;
  for (size_t column = 0; column < steps.from.size(); ++column) {
    const auto [down, up] = reach(parts, column);
    reached.insert(reached.end(), {down, up});
  }
  const ValueScale scale = ValueScale::of(reached, true, top, top + 280);
  const ColumnScale columns{Drawing::left, Drawing::width, steps.from.size()};
  drawing.value_axis(scale, columns.x0, columns.x1, words.value_axis);
  for (size_t column = 0; column < columns.count; ++column) {
    draw_column(drawing, parts, column, columns, scale);
  }
  drawing.step_axis(steps, columns, scale.y1);
  return drawing.document(scale.y1 + 42);
}

}  // namespace explaind
