#pragma once
// Logits that are cut softly, without a graph.

#include <ATen/core/Tensor.h>

namespace explaind {

/// logits become c tanh(logits / c), in place; returns its derivative there, 1 − tanh², where it is
/// wanted. cap: c; 0 leaves the logits as they are and returns an undefined tensor.
at::Tensor cap_softly(at::Tensor& logits, double cap, bool with_slope = true);

}  // namespace explaind
