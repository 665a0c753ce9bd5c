#pragma once
// The types that numbers are stored in.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace explaind {

enum class Dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

/// Bytes per element.
size_t dtype_size(Dtype dtype);
/// The safetensors name: "F32", "BF16", …
std::string to_string(Dtype dtype);
/// The dtype of a safetensors name; nothing for a name we do not read.
std::optional<Dtype> parse_dtype(std::string_view name);
[[nodiscard]] bool is_floating(Dtype dtype);

/// Borrowed numbers in a row.
struct StoredValues {
  const void* data = nullptr;
  Dtype dtype = Dtype::f32;
};

}  // namespace explaind
