#pragma once
// A tensor of its own from a file's bytes.

#include <ATen/core/Tensor.h>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// A copy of the view, on the CPU, of its type: f32, f64, i64 or u8, which is what runs hold.
/// Throws DataError for another type.
at::Tensor tensor_of(const TensorView& view);

/// The type of tensors of that stored type; throws DataError naming `name` for another one.
at::ScalarType scalar_type_of(Dtype dtype, const std::string& name);

}  // namespace explaind
