#pragma once
// The safetensors layout: u64 little-endian N, N bytes of JSON, the tensors' bytes without gaps.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// Upper bound of N, as in the reference implementation.
constexpr size_t max_safetensors_header = 100'000'000;

struct SafetensorsContents {
  std::vector<TensorView> tensors;  ///< in the order of their bytes; `data` points into the file
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
  size_t header_bytes = 0;                      ///< 8 + N
};

/// Reads the header of a whole file that lies in memory and checks every rule of the format; the
/// tensors' values are not read. `where` names the file in messages.
///
/// Throws DataError, one message a rule: file shorter than 8 bytes or than 8 + N; N over the limit;
/// broken JSON or UTF-8; header, entry or field of the wrong type; a missing, unknown or repeated
/// field; a repeated name; unknown dtype; a negative or non-integer extent; a shape whose product
/// overflows; end before begin; size ≠ shape × dtype; bytes past the end; first offset ≠ 0; gap;
/// overlap; trailing bytes.
SafetensorsContents parse_safetensors(std::span<const std::byte> file, const std::string& where);

}  // namespace explaind
