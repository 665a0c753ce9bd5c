#pragma once
// How many numbers a shape holds.

#include <cstdint>
#include <vector>

namespace explaind {

/// The product of the lengths; 1 of a scalar, whose shape is empty.
inline int64_t elements(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  return count;
}

}  // namespace explaind
