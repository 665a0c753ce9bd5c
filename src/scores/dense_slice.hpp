#pragma once
// Scores of single scalars on their way from decomposition to store.

#include <cstdint>
#include <span>

namespace explaind {

/// Rows [first, first + count) of one tensor, of one row of a unit's sample-like axis.
struct DenseSlice {
  int64_t tensor = 0;  ///< place in the model's order
  int64_t row = 0;     ///< of the unit: a sample, a group, or 0
  int64_t first = 0, count = 0;
  std::span<const double>
      scores;  ///< count × the rest of the tensor's shape × outputs where these are kept
};

}  // namespace explaind
