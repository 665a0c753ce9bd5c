#pragma once
// Engine D: the training-sample axis by a sweep backward over the steps, in O(D) memory.
//
// Legend: F functionals, B samples of a step's batch, C components, D parameters, N steps.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "decomposition/dense_gradient.hpp"
#include "scores/component.hpp"
#include "training_axis/axis_options.hpp"
#include "training_axis/directional_ops.hpp"
#include "training_axis/update_rules.hpp"

namespace explaind {

/// What the gradients of one step contributed to the functionals' change over the attributed
/// updates, now and through momentum: indexed by the *origin* step r, at which samples were seen.
struct OriginScores {
  int64_t step = 0;
  std::vector<int64_t> samples;  ///< B: indices into the training data, in the batch's order
  at::Tensor data;               ///< F B C (double), in F's unit
  at::Tensor decay;              ///< F C (double): of weight decay at this step
};

/// method.md §5 D for every optimizer. With the update of a step s written as (replay.hpp)
///
///   buffer_s = carried buffer_{s−1} + entering x_s,  Δ_s = −scale ⊙ (direct x_s + through
///   buffer_s)
///
/// and Q_s = −scale ⊙ G_s (0 outside the attributed updates), going backward:
///
///   R_s = through Q_s + C_{s+1},  A_s = direct Q_s + entering R_s,  C_s = carried R_s
///
/// What entered as x_s has contributed ⟨A_s, x_s⟩: a sample ⟨A_s, γ_s |B_s|⁻¹ ∇ℓ(x_k; θ_s)⟩, which
/// engine A gives for all of the batch and all components in one pass; coupled decay ⟨A_s, λ_s
/// θ_s⟩, decoupled −α_s λ_s ⟨G_s, θ_s⟩. Σ over steps, samples and decay is F's change, but for the
/// rounding of the recorded updates and the quadrature error.
///
/// Memory: 2 F D doubles, what integrate_gradients needs, and AxisOptions::memory for the update
/// rules (UpdateRules). Not collective.
class AdjointSweep {
 public:
  /// Throws DataError where model and run do not have the same parameters.
  AdjointSweep(const TrainedModel& trained, const ComponentTable& table,
               const AxisOptions& options);

  /// Calls keep for every step that contributed, in descending order. Throws UsageError where the
  /// steps are not the run's.
  void run(const std::vector<Predictions>& functionals,
           const std::function<void(const OriginScores&)>& keep);

  /// Forward and backward passes over training batches that the last run made: for update rules,
  /// and with engine A.
  struct Passes {
    int64_t rules = 0, scores = 0;
  };
  [[nodiscard]] const Passes& passes() const { return passes_; }

 private:
  class Recursion;
  [[nodiscard]] at::Tensor score_batch(const RunBatch& batch,
                                       const std::vector<at::Tensor>& weights,
                                       const std::vector<Direction>& directions) const;

  TrainedModel trained_;
  const ComponentTable& table_;
  AxisOptions options_;
  BatchGradients gradients_;
  at::ScalarType type_;
  Passes passes_;
};

}  // namespace explaind
