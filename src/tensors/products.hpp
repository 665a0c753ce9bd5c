#pragma once
// The matrix products of a network, their operands rounded as the precision says.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace explaind {

/// x Wᵀ. x: … in, of the activations' type; matrix: out in, of the products' type. Returns … out in
/// x's type, with a graph where x has one.
at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& matrix);

/// x W. x: … out; matrix: out in. Returns … in.
at::Tensor times(const at::Tensor& x, const at::Tensor& matrix);

/// Convolution without bias. x: B I H W; filters: O I k k, of the products' type. Returns
/// B O H' W' in x's type.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& filters, int64_t stride,
                    int64_t padding);

/// Where an operation reads data, the graph begins at its output: makes y the leaf of one unless it
/// is part of one already. Weights require no gradient, so every operation whose output is hooked
/// must begin one: a model may begin with any.
at::Tensor begin_graph(at::Tensor y);

}  // namespace explaind
