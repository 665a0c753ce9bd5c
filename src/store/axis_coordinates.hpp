#pragma once
// The coordinates along one axis of a stored variable.

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

  /// Null where there is none. `step`, `tokens` and `phase` are step_to, tokens_to and phase_to,
  /// `train_group` the group of a training sample, `group` that of a sample.
  [[nodiscard]] const Coordinate* find(const std::string& coordinate) const;
  /// The names of the coordinates that label this axis when it is kept whole.
  [[nodiscard]] std::vector<std::string> main() const;
};

AxisCoordinates read_axis(const StoreReader& store, const std::string& name, int64_t size);

/// "sample", "training sample": one entry of an axis in a sentence.
std::string entry_of(const std::string& axis);

}  // namespace explaind
