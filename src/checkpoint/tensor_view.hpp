#pragma once
// A tensor as it lies in a mapped checkpoint file.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace explaind {

enum class Dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

/// Bytes per element.
size_t dtype_size(Dtype dtype);
/// The safetensors name: "F32", "BF16", …
std::string to_string(Dtype dtype);
/// The dtype of a safetensors name; nothing for a name we do not read.
std::optional<Dtype> parse_dtype(std::string_view name);
[[nodiscard]] bool is_floating(Dtype dtype);

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
