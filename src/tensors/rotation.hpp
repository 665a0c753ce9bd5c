#pragma once
// The rotation of rotary position embeddings, large tensors shared by threads.

#include <ATen/core/Tensor.h>

namespace explaind {

/// x ⊙ cosine + (−x₂, x₁) ⊙ sine of the first n coordinates of every head, x₁ and x₂ their halves;
/// the others stay. With a graph where x has one. x: B H T d; cosine, sine: T n, contiguous, the
/// same in both halves. Floor: one read and one write of x.
at::Tensor rotated(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

}  // namespace explaind
