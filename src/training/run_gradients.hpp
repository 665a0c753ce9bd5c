#pragma once
// The mean gradients of a recorded run's mini-batches.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "runs/recorded_run.hpp"
#include "training/run_data.hpp"

namespace explaind {

/// Throws DataError where the model has a layer that draws at random in training: what it drew is
/// not recorded, so no gradient of a training sample can be formed again. where: the run.
void require_repeatable_gradients(const Model& model, const std::string& where);

/// g of each step before clipping and coupled decay: ∂/∂θ_s of the mean cross-entropy over B_s,
/// from the run's own weights, data, order and flips. Where the run stores gradients they are read,
/// else made again by a forward and backward pass in the run's type: on the same kind of machine to
/// the bit those of training by `record`, else with its rounding.
class RunGradients {
 public:
  /// All must outlive this. Throws DataError where model and run do not have the same parameters,
  /// and what require_repeatable_gradients throws.
  RunGradients(const Model& model, const RecordedRun& run, const TrainingData& data);

  /// Gradients of step s, one per parameter in the run's type; undefined where it was not stepped.
  /// Throws DataError where a parameter that was stepped gets no gradient.
  [[nodiscard]] std::vector<at::Tensor> of_step(int64_t step) const;

 private:
  const Model& model_;
  const RecordedRun& run_;
  const TrainingData& data_;
  at::ScalarType type_;
};

/// θ_s, one tensor per parameter in the run's type.
std::vector<at::Tensor> weights_at(const RecordedRun& run, int64_t step);

}  // namespace explaind
