#pragma once
// The coordinates along one axis of a stored variable, and selections by them.

#include <cstdint>
#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace explaind {

struct Coordinate {
  std::string name;
  bool number = false;
  std::vector<std::string> values;  ///< one per entry of the axis, as text
};

/// One axis: its name, length, and every coordinate along it.
struct AxisCoordinates {
  std::string name;
  int64_t size = 0;
  std::vector<Coordinate> coordinates;

  [[nodiscard]] const Coordinate* find(const std::string& coordinate) const;
  /// The names of the coordinates that label this axis when it is kept whole.
  [[nodiscard]] std::vector<std::string> main() const;
};

AxisCoordinates read_axis(const StoreReader& store, const std::string& name, int64_t size);

/// "name=value" applied to the axes: clears the entries of `chosen` (one list per axis) that do not
/// match. `step=N` takes the segment that ends at N, `step=A:B` those within [A, B]; `sample` means
/// id, `train_sample` train_id, and `train_group` the group of a training sample. Throws UsageError
/// where no axis has the coordinate or nothing matches.
void select(const std::string& selection, const std::vector<AxisCoordinates>& axes,
            std::vector<std::vector<bool>>& chosen);

/// pattern: alternatives a|b, ranges lo:hi for numbers (either end may be left out), wildcards.
bool matches(const std::string& pattern, const std::string& value, bool number);

}  // namespace explaind
