#pragma once
// Figures as SVG texts, drawn without a browser: for papers, and for machines that have none.
//
// Each is plain data in, one SVG document out. Along steps, columns of segments are equally wide. A
// NaN is something that nobody has computed yet: it is striped or leaves a gap, and is never a
// zero. Marks carry data-… attributes with the names and places that they stand for.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace explaind {

/// How every figure begins, so that nothing else is ever taken for one.
inline constexpr const char* figure_mark = "<!-- ExPLAIND figure -->";

/// What stands around a figure.
struct FigureWords {
  std::string title;       ///< above it, in a sentence
  std::string value_axis;  ///< what is drawn, with its unit: "mean loss, nats"
  std::string note;        ///< below it: the sign, and of whom the numbers are
};

/// Columns along the steps; both of the same length.
struct StepSpan {
  std::vector<int64_t> from, to;
};

struct Curve {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;  ///< per column: at its left and right end
  bool dashed = false, strong = false;
};

struct StackedPart {
  std::string name, colour;
  std::vector<double> values;  ///< per column
};

struct MapRow {
  std::string name;
  std::vector<double> values;  ///< per column
};
struct MapPanel {
  std::string title;  ///< may be empty
  std::vector<MapRow> rows;
};

struct Bar {
  std::string name, colour;
  double value = 0;
};

/// Curves over steps, broken where a value is missing or the next column begins elsewhere.
/// `from_zero`: the axis holds zero.
std::string draw_curves(const FigureWords& words, const StepSpan& steps,
                        const std::vector<Curve>& curves, bool from_zero);

/// A bar a column: negative parts hang below zero, positive ones stand on it, a dash is their sum.
/// A column of which a part is missing is striped.
std::string draw_stack(const FigureWords& words, const StepSpan& steps,
                       const std::vector<StackedPart>& parts);

/// Maps of rows × columns with one scale of colours: blue negative, orange positive, pale zero.
std::string draw_maps(const FigureWords& words, const StepSpan& steps,
                      const std::vector<MapPanel>& panels);

/// A signed bar a row, from one line of zero.
std::string draw_bars(const FigureWords& words, const std::vector<Bar>& bars);

}  // namespace explaind
