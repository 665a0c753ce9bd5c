#pragma once
// Functionals by their names, with a graph back to the logits.

#include <cstdint>

#include "engines/dense_gradient.hpp"
#include "samples/functional.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// F of one sample of a classifier: one functional, or with every class asked for one a class, in
/// order. inputs: 1 …; type: of the logits.
Predictions class_functionals(const Functional& functional, const at::Tensor& inputs, int64_t label,
                              int64_t classes, at::ScalarType type);

/// F of one sample of a language model, in `type`: loss or loss_sum of its predicted tokens, or
/// logits and log-probabilities at a position. Throws UsageError for an
/// activation, DataError for a sample without that position.
Predictions text_functionals(const Functional& functional, const Sample& sample, int64_t vocabulary,
                             at::ScalarType type);

}  // namespace explaind
