#pragma once
// The values of a stored tensor: widened to float or double, and checked to be finite.

#include <cstdint>
#include <span>
#include <string>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// The numbers of a tensor, for what works on them whatever they belong to. Throws DataError for an
/// integer or boolean tensor.
StoredValues values_of(const TensorView& tensor);

/// Elements first … first + out.size() − 1 in row-major order as float. Exact from BF16, F16 (with
/// subnormals, infinities, NaN) and F32; rounded to nearest from F64. The source may be unaligned.
/// Throws DataError for an integer or boolean tensor, std::out_of_range outside the tensor.
void to_float(const TensorView& tensor, int64_t first, std::span<float> out);
/// Elements as double; exact from every floating type.
void to_double(const TensorView& tensor, int64_t first, std::span<double> out);

/// The whole tensor; out.size() must be its number of elements.
void to_float(const TensorView& tensor, std::span<float> out);
void to_double(const TensorView& tensor, std::span<double> out);

/// Throws DataError naming `where` (the checkpoint), the tensor, the index and the value of the
/// first element that is NaN or infinite. Integer tensors are always finite.
void require_finite(const TensorView& tensor, const std::string& where);

}  // namespace explaind
