#pragma once
// Addition modulo p, the grokking data set: made, not read.

#include "datasets/dataset.hpp"

namespace explaind {

/// Unordered pairs a ≤ b of 0 … p−1 as tokens [b, "+", a, "="], with p for "+" and p+1 for "=";
/// label (a + b) mod p. Of the pairs, shuffled by `seed`, the first `train` are trained on and the
/// next `validation` are not. Throws UsageError where there are fewer than p(p+1)/2.
TrainingData modular_addition(int64_t p, int64_t train, int64_t validation, uint64_t seed);

}  // namespace explaind
