#pragma once
// Engine D: the training-sample axis by a sweep backward over the steps, in O(D) memory.
//
// Legend: R rows of functionals, B samples of a step's batch, C components, D parameters, N steps.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "engines/directional_ops.hpp"
#include "scores/component.hpp"
#include "training_axis/axis_options.hpp"
#include "training_axis/functional_sums.hpp"
#include "training_axis/step_scores.hpp"
#include "training_axis/update_rules.hpp"

namespace explaind {

/// What the gradients of a step contributed to the functionals' change over the range, now and
/// through momentum: indexed by the *origin* step, at which samples were seen (method.md §5 D), for
/// every optimizer. With the update of a step s written as (replay.hpp)
///
///   buffer_s = carried buffer_{s−1} + entering x_s,  Δ_s = −scale ⊙ (direct x_s + through
///   buffer_s)
///
/// and Q_s = −scale ⊙ G_s (0 outside the range of steps), going backward:
///
///   R_s = through Q_s + C_{s+1},  A_s = direct Q_s + entering R_s,  C_s = carried R_s
///
/// What entered as x_s has contributed ⟨A_s, x_s⟩: a sample ⟨A_s, γ_s |B_s|⁻¹ ∇ℓ(x_k; θ_s)⟩, which
/// engine A gives for all of the batch and all components in one pass; coupled decay ⟨A_s, λ_s
/// θ_s⟩, decoupled −α_s λ_s ⟨G_s, θ_s⟩. What was in the buffer before the range, and what the
/// update rounded, count at the step that applied them: ⟨Q_s, remembered_s past⟩ and ⟨G_s,
/// rounding_s⟩. Σ over steps, samples and parts is Σ over steps of Ψ.
///
/// Memory: 3 R D doubles, what integrate_rows needs, and AxisOptions::memory for the updates
/// (UpdateRules). Not collective.
class AdjointSweep {
 public:
  /// Throws DataError where model and run do not have the same parameters.
  AdjointSweep(const TrainedModel& trained, const ComponentTable& table,
               const AxisOptions& options);

  /// Calls keep for every step of the range, in descending order. Throws UsageError where the steps
  /// are not the run's.
  void run(const FunctionalSums& functionals, const std::function<void(const StepScores&)>& keep);

  /// Forward and backward passes over training batches that the last run made: for update rules,
  /// and with engine A.
  struct Passes {
    int64_t rules = 0, scores = 0;
  };
  [[nodiscard]] const Passes& passes() const { return passes_; }

 private:
  class Recursion;
  /// ⟨A, γ |B|⁻¹ ∇ℓ(x_k)⟩ of the batch: R B C.
  [[nodiscard]] at::Tensor score_batch(const RunBatch& batch,
                                       const std::vector<at::Tensor>& weights,
                                       const std::vector<Direction>& directions) const;

  TrainedModel trained_;
  const ComponentTable& table_;
  AxisOptions options_;
  RunGradients gradients_;
  at::ScalarType type_;
  Passes passes_;
};

}  // namespace explaind
