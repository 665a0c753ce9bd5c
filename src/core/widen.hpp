#pragma once
// Stored numbers as float or double.

#include <cstdint>
#include <span>

#include "core/dtype.hpp"

namespace explaind {

/// Elements first … first + out.size() − 1, of a floating type and perhaps unaligned. Exact to
/// double; to float exact from BF16, F16 (with subnormals, infinities, NaN) and F32, rounded to
/// nearest from F64.
void widen_values(StoredValues values, int64_t first, std::span<float> out);
void widen_values(StoredValues values, int64_t first, std::span<double> out);

}  // namespace explaind
