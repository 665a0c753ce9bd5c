#pragma once
// The training-sample axis by the step that applied an update (the paper's index).
//
// Legend: F functionals, M training samples, C components.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "decomposition/dense_gradient.hpp"
#include "scores/component.hpp"
#include "training_axis/axis_options.hpp"

namespace explaind {

/// ψ_s(k) and ψ^reg_s of one step (method.md §2), or what a block of parameters adds to them.
struct AppliedScores {
  int64_t step = 0;
  at::Tensor data;   ///< F M C (double), in F's unit; 0 for samples not seen yet
  at::Tensor decay;  ///< F C (double)
};

/// Calls add for every attributed step of every block of parameters: the scores are the sums of
/// what it is given for a step. Blocks keep M × D momentum within AxisOptions::memory bytes
/// (parameter_blocks); each is a pass over all steps from the first, whose G is formed anew. Not
/// collective. Throws as AdjointSweep does.
void applied_scores(const TrainedModel& trained, const std::vector<Predictions>& functionals,
                    const ComponentTable& table, const AxisOptions& options,
                    const std::function<void(const AppliedScores&)>& add);

}  // namespace explaind
