#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures/drawing.hpp"
#include "figures/figure.hpp"
#include "figures/palette.hpp"

namespace explaind {
namespace {

/// A path that is broken where a value is missing and where the next column begins elsewhere.
std::string path_of(const Curve& curve, const StepSpan& steps, const ColumnScale& columns,
                    const ValueScale& scale) {
  std::string path;
  bool open = false;
  for (size_t i = 0; i < columns.count; ++i) {
    const auto [a, b] = curve.points[i];
    if (!std::isfinite(a) || !std::isfinite(b)) {
      open = false;
      continue;
    }
    if (!open || steps.from[i] != steps.to[i - 1]) {
      path += fmt::format("M{:.3f},{:.3f}", columns.left(i), scale.at(a));
    }
    path += fmt::format("L{:.3f},{:.3f}", columns.left(i) + columns.width(), scale.at(b));
    open = true;
  }
  return path;
}

struct EndLabel {
  const Curve* curve;
  double end, y;
};

/// Names where curves end, moved apart; of too many, the strong ones and every n-th.
void name_ends(Drawing& drawing, const std::vector<Curve>& curves, const ValueScale& scale,
               double x) {
  std::vector<EndLabel> labels;
  for (const Curve& curve : curves) {
    const auto last = std::find_if(curve.points.rbegin(), curve.points.rend(),
                                   [](const auto& pair) { return std::isfinite(pair.second); });
    if (last != curve.points.rend()) labels.push_back({&curve, scale.at(last->second), 0});
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const EndLabel& a, const EndLabel& b) { return a.end < b.end; });
  constexpr double apart = 13.5;
  const auto room = static_cast<size_t>((scale.y1 - scale.y0) / apart) + 1;
  if (labels.size() > room) {
    const size_t every = (labels.size() + room - 1) / room;
    size_t place = 0;
    std::erase_if(labels, [&](const EndLabel& label) {
      return place++ % every != 0 && !label.curve->strong;
    });
  }
  double free_from = -1e9;
  for (EndLabel& label : labels) {
    label.y = std::max(label.end, free_from);
    free_from = label.y + apart;
  }
  double limit = scale.y1;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->y = std::min(label->y, limit);
    limit = label->y - apart;
  }
  for (const EndLabel& label : labels) {
    drawing.line(x + 2, label.end, x + 11, label.y, label.curve->colour, 0.8);
    drawing.text(x + 14, label.y + 4, shortened(label.curve->name, 20),
                 {.size = 11.5, .colour = ink_colour, .bold = label.curve->strong});
  }
}

}  // namespace

std::string draw_curves(const FigureWords& words, const StepSpan& steps,
                        const std::vector<Curve>& curves, bool from_zero) {
  Drawing drawing(words);
  std::vector<double> values;
  for (const Curve& curve : curves) {
    for (const auto& [a, b] : curve.points) values.insert(values.end(), {a, b});
  }
  constexpr double high = 300, names = 150;
  const ValueScale scale = ValueScale::of(values, from_zero, Drawing::top, Drawing::top + high);
  const ColumnScale columns{Drawing::left, Drawing::width - names, steps.from.size()};
  drawing.value_axis(scale, columns.x0, columns.x1, words.value_axis);
  for (const Curve& curve : curves) {
    drawing.raw(fmt::format(
        R"(<path class="curve" data-name="{}" d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{}/>)",
        xml_text(curve.name), path_of(curve, steps, columns, scale), curve.colour,
        curve.strong ? 2.6 : 1.6, curve.dashed ? R"( stroke-dasharray="5 4")" : ""));
  }
  name_ends(drawing, curves, scale, columns.x1);
  drawing.step_axis(steps, columns, scale.y1);
  return drawing.document(scale.y1 + 42);
}

}  // namespace explaind
