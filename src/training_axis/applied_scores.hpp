#pragma once
// The training-sample axis by the step that applied an update (the paper's index).

#include <functional>

#include "samples/sample.hpp"
#include "scores/component.hpp"
#include "training_axis/axis_options.hpp"
#include "training_axis/functional_sums.hpp"
#include "training_axis/step_scores.hpp"

namespace explaind {

/// How the momentum of K training samples or groups is divided over passes.
struct AppliedMemory {
  int64_t blocks = 1;  ///< of parameters, each a pass over all steps
  int64_t bytes = 0;  ///< of the largest block, and of the scores that wait where there are several
};

/// What applied_scores takes where `memory` is there; more, where a piece of a parameter at a
/// time does not fit. scores: bytes of one step's; those of all steps wait where there are several
/// blocks.
AppliedMemory applied_memory(const TrainedModel& trained, const Groups& groups, int64_t steps,
                             int64_t scores, int64_t memory);

/// Calls keep with the scores of every step of the range (method.md §2), ascending: ψ_s(k), ψ^reg,
/// rounding, and what momentum from before the range did, which add up to Ψ in every step.
/// AxisOptions::memory holds momentum (parameter_blocks) and, where that takes several blocks, the
/// scores of all steps until the last block's; G is formed anew in each of these passes. Not
/// collective. Throws as AdjointSweep does.
void applied_scores(const TrainedModel& trained, const FunctionalSums& functionals,
                    const ComponentTable& table, const Groups& groups, const AxisOptions& options,
                    const std::function<void(const StepScores&)>& keep);

}  // namespace explaind
