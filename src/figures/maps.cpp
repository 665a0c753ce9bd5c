#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures/drawing.hpp"
#include "figures/figure.hpp"
#include "figures/palette.hpp"

namespace explaind {
namespace {

/// Colours from −most to most with numbers at both ends and at zero.
void draw_colour_bar(Drawing& drawing, double most, double x, double y) {
  constexpr int steps = 81;
  constexpr double wide = 320, high = 12;
  for (int i = 0; i < steps; ++i) {
    const double share = 2.0 * i / (steps - 1) - 1;
    drawing.box(x + wide * i / steps, y, wide / steps + 0.3, high, signed_colour(share),
                fmt::format(R"(class="scale" data-value="{}")", share * most));
  }
  for (const double share : {-1.0, 0.0, 1.0}) {
    drawing.text(x + wide * (share + 1) / 2, y + high + 14, signed_text(share * most),
                 {.anchor = "middle", .size = 11.5});
  }
}

void draw_cells(Drawing& drawing, const MapPanel& panel, const ColumnScale& columns, double y,
                double cell, double most) {
  const auto every = static_cast<size_t>(std::ceil(12.5 / cell));
  for (size_t r = 0; r < panel.rows.size(); ++r) {
    const MapRow& row = panel.rows[r];
    const double at = y + static_cast<double>(r) * cell;
    if (r % every == 0) {
      drawing.text(columns.x0 - 8, at + cell / 2 + 4, shortened(row.name, 20),
                   {.anchor = "end", .size = 11.5});
    }
    for (size_t c = 0; c < columns.count; ++c) {
      const double value = row.values[c];
      if (std::isnan(value)) {
        drawing.missing(columns.left(c), at, columns.width(), cell);
        continue;
      }
      drawing.box(columns.left(c), at, columns.width(), cell,
                  signed_colour(most > 0 ? value / most : 0),
                  fmt::format(R"(class="cell" data-panel="{}" data-row="{}" data-column="{}")",
                              xml_text(panel.title), xml_text(row.name), c));
    }
  }
}

}  // namespace

std::string draw_maps(const FigureWords& words, const StepSpan& steps,
                      const std::vector<MapPanel>& panels) {
  Drawing drawing(words);
  double most = 0;
  size_t most_rows = 1, letters = 0;
  for (const MapPanel& panel : panels) {
    most_rows = std::max(most_rows, panel.rows.size());
    for (const MapRow& row : panel.rows) {
      letters = std::max(letters, row.name.size());
      for (const double value : row.values) {
        if (std::isfinite(value)) most = std::max(most, std::abs(value));
      }
    }
  }
  const double left = 20 + 6.3 * static_cast<double>(std::min<size_t>(letters, 20));
  const ColumnScale columns{left, Drawing::width, steps.from.size()};
  drawing.text(0, Drawing::top - 22, words.value_axis, {});
  draw_colour_bar(drawing, most, left, Drawing::top - 8);
  const double cell = std::clamp(std::floor(260.0 / static_cast<double>(most_rows)), 7.0, 22.0);
  double y = Drawing::top + 50;
  for (const MapPanel& panel : panels) {
    if (!panel.title.empty()) {
      drawing.text(left, y - 8, panel.title, {.size = 12.5, .colour = ink_colour, .bold = true});
    }
    draw_cells(drawing, panel, columns, y, cell, most);
    y += static_cast<double>(panel.rows.size()) * cell;
    drawing.step_axis(steps, columns, y);
    y += 66;
  }
  return drawing.document(y - 24);
}

}  // namespace explaind
