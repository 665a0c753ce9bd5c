#pragma once
// The matrix products of a network, their operands rounded as the precision says.

#include <ATen/core/Tensor.h>

namespace explaind {

/// x Wᵀ. x: … in, of the activations' type; matrix: out in, of the products' type. Returns … out in
/// x's type, with a graph where x has one.
at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& matrix);

/// x W. x: … out; matrix: out in. Returns … in.
at::Tensor times(const at::Tensor& x, const at::Tensor& matrix);

}  // namespace explaind
