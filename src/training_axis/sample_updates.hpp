#pragma once
// Every training sample's part of every update, by the step that applied it.
//
// Legend: M training samples, R rows of a block, N steps.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "decomposition/parameter_source.hpp"
#include "training/batch_gradients.hpp"
#include "training_axis/axis_options.hpp"

namespace explaind {

/// Δ_s of a block of parameters in its parts: per part of the block one tensor (fp64).
struct BlockUpdate {
  int64_t step = 0;
  std::vector<at::Tensor> data;   ///< Δ_s(k): M × R × the rest of the parameter's shape
  std::vector<at::Tensor> decay;  ///< R × the rest
};

/// Δ_s = Σ_k Δ_s(k) + decay + rounding (method.md §2): every sample's own momentum buffer, of the
/// gradients that it alone gave, goes through the optimizer's update. M × D numbers in all, so it
/// is done a block of parameters at a time, each block in a pass over all steps.
class SampleUpdates {
 public:
  /// Throws DataError where model and run do not have the same parameters.
  explicit SampleUpdates(const TrainedModel& trained);

  /// Steps 0 … end−1 in order, for one block (at most one part a parameter). Cost: per step a pass
  /// over its batch for the optimizer's replay and one for the block's per-sample gradients.
  /// Memory: block_bytes of the block's elements.
  void run(const std::vector<ParameterRows>& block, int64_t end,
           const std::function<void(const BlockUpdate&)>& keep) const;

 private:
  /// γ_s |B_s|⁻¹ ∇ℓ(x_k; θ_s) of the batch, per part B × R × the rest.
  [[nodiscard]] std::vector<at::Tensor> sample_gradients(const std::vector<ParameterRows>& block,
                                                         int64_t step) const;

  TrainedModel trained_;
  BatchGradients gradients_;
};

/// All parameters in blocks of whole rows, as few as fit: a block's buffers, its update and what is
/// made on the way take 3 M doubles an element. At least one row a block.
std::vector<std::vector<ParameterRows>> parameter_blocks(const Model& model, int64_t samples,
                                                         int64_t memory);

}  // namespace explaind
