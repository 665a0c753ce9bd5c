#pragma once
// Convolutions whose bits no number of threads decides.
//
// Large ones are cut by samples, and the filters' gradient by output channels: no sum is cut
// (thread_team.hpp). Small ones, and those of a device, are LibTorch's own.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace explaind {

/// Convolution without bias, the same stride and zero padding on all sides, with a graph where an
/// operand has one. x: B I H W; filters: O I k k, of x's type. Returns B O H' W'.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& filters, int64_t stride,
                       int64_t padding);

}  // namespace explaind
