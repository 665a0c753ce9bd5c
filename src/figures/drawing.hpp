#pragma once
// An SVG document that grows: its marks, its texts, its axes.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "figures/figure.hpp"

namespace explaind {

/// A linear axis with round numbers at its ends and ticks.
struct ValueScale {
  double low = 0, high = 1;
  double y0 = 0, y1 = 1;  ///< where high and low are drawn
  std::vector<double> ticks;

  /// Of all finite values among `values`, about six ticks.
  static ValueScale of(const std::vector<double>& values, bool from_zero, double y0, double y1);
  [[nodiscard]] double at(double value) const {
    return y1 - (value - low) / (high - low) * (y1 - y0);
  }
};

/// Where columns of equal width lie.
struct ColumnScale {
  double x0 = 0, x1 = 1;
  size_t count = 1;
  [[nodiscard]] double left(size_t column) const {
    return x0 + static_cast<double>(column) * width();
  }
  [[nodiscard]] double width() const { return (x1 - x0) / static_cast<double>(count); }
};

/// As people read numbers: three digits, a true minus, powers of ten where they are small or large.
std::string number_text(double value, int digits = 3);
/// With a sign where it is above zero.
std::string signed_text(double value);

class Drawing {
 public:
  static constexpr double width = 760, left = 70, top = 64;

  /// Begins with the title.
  explicit Drawing(const FigureWords& words);

  struct TextLook {
    const char* anchor = "start";
    double size = 12;
    std::string colour = "#68645c";
    bool bold = false;
  };
  void text(double x, double y, const std::string& words, const TextLook& look);
  void line(double x1, double y1, double x2, double y2, const std::string& colour, double stroke);
  /// `more`: further attributes, as they stand in the document.
  void box(double x, double y, double w, double h, const std::string& fill,
           const std::string& more = "");
  /// Striped: nothing is known there.
  void missing(double x, double y, double w, double h);
  void raw(const std::string& element) { body_ += element + "\n"; }

  /// Lines and numbers of the axis; its words stand above it.
  void value_axis(const ValueScale& scale, double x0, double x1, const std::string& words);
  /// Steps below a plot whose columns these are.
  void step_axis(const StepSpan& steps, const ColumnScale& columns, double y);
  /// Squares with names, in as many lines as they take; returns where the plot may begin.
  double legend(const std::vector<std::pair<std::string, std::string>>& named, double y);

  /// The document; `bottom` is where the plot ends and the note begins.
  [[nodiscard]] std::string document(double bottom) const;

 private:
  FigureWords words_;
  std::string body_;
};

/// For an attribute or a text of XML.
std::string xml_text(const std::string& words);
/// Of so many letters at most, its middle left out.
std::string shortened(const std::string& name, size_t letters);

}  // namespace explaind
