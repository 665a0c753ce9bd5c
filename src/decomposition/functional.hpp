#pragma once
// F of a micro-batch from its logits, and ∂F/∂logits.

#include <ATen/core/Tensor.h>

#include <vector>

#include "samples/batch.hpp"

namespace explaind {

/// Cross-entropy F of every member: Σ over predicted tokens of the loss in nats (fp64 sums,
/// ascending positions) times the member's weight (one over its predicted tokens for the mean).
/// logits: B T V. Returns B.
std::vector<double> losses(const MicroBatch& batch, const at::Tensor& logits);

/// The same, and overwrites the logits with ∂F/∂logits, 0 at positions that predict nothing
/// (padding among them).
std::vector<double> losses_and_gradient(const MicroBatch& batch, at::Tensor& logits);

/// F of each member from the loss of every token (B T, 0 where nothing is predicted).
std::vector<double> member_values(const MicroBatch& batch, const std::vector<double>& token);

}  // namespace explaind
