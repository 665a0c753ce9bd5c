#pragma once
// Functions of every element, large tensors shared by threads.
//
// Where a loop ends it leaves its vector instructions, and rounds otherwise: so pieces have a fixed
// length. Small tensors, those with gaps and those of a device are LibTorch's own.

#include <ATen/core/Tensor.h>

namespace explaind {

/// x/(1 + e^−x), with a graph where x has one.
at::Tensor each_silu(const at::Tensor& x);
/// x Φ(x), with a graph where x has one.
at::Tensor each_gelu(const at::Tensor& x);
/// max(x, 0), with a graph where x has one.
at::Tensor each_relu(const at::Tensor& x);
/// a ⊙ b, of one shape, with a graph where one has one.
at::Tensor each_product(const at::Tensor& a, const at::Tensor& b);
/// a + b, of one shape, with a graph where one has one.
at::Tensor each_sum(const at::Tensor& a, const at::Tensor& b);
/// x + row in every row, with a graph where x has one. x: … C; row: one element for each of C, no
/// graph.
at::Tensor each_shifted(const at::Tensor& x, const at::Tensor& row);
/// x less its mean over the last axis, with a graph where x has one.
at::Tensor each_centred(const at::Tensor& x);

}  // namespace explaind
