#pragma once
// The forward pass of a mini-batch, as training does it and as replays do it again.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "datasets/dataset.hpp"
#include "model/model.hpp"
#include "runs/run_block.hpp"

namespace explaind {

/// M predictions: one a sample of a classifier, one a position of a language model; K classes.
struct BatchPass {
  at::Tensor logits;  ///< M K
  at::Tensor labels;  ///< M
  at::Tensor loss;    ///< mean cross-entropy over all predictions, in nats; a scalar

  /// How many predictions are right.
  [[nodiscard]] int64_t right() const;
};

/// batch: which samples of `data`, in this order, and which of them are mirrored; type: of inputs
/// and activations.
BatchPass batch_pass(const Model& model, const Dataset& data, const ImageTransform& transform,
                     const RunBatch& batch, at::ScalarType type, Ops& ops);

}  // namespace explaind
