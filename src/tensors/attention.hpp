#pragma once
// Fused attention, its samples and heads shared by threads.

#include <ATen/core/Tensor.h>

namespace explaind {

/// softmax(scale q kᵀ) v, with a graph where an operand has one. q: B H T d; k, v: B G T d, each
/// used by H/G heads in a row. causal: a position sees itself and what is before it, else all.
/// Returns B H T d.
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           bool causal, double scale);
/// hidden: T T, true where a position does not see another; it sees at least itself.
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& hidden, double scale);

}  // namespace explaind
