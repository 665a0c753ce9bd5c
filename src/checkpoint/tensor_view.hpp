#pragma once
// A tensor as it lies in a mapped checkpoint file.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.hpp"

namespace explaind {

/// "[2048, 5632]"; "[]" for a scalar.
std::string shape_to_string(const std::vector<int64_t>& shape);

/// Borrowed, read-only, row-major; lives as long as the file it was mapped from. `data` may be
/// unaligned.
struct TensorView {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
  size_t bytes = 0;

  [[nodiscard]] int64_t elements() const;
  /// Rows [first, first + count) along the first axis.
  [[nodiscard]] TensorView rows(int64_t first, int64_t count) const;
};

}  // namespace explaind
