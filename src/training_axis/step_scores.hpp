#pragma once
// What is known of one step of a recorded run, by training sample and by the other parts of its
// update.
//
// Legend: F functionals, R rows of them (FunctionalSums), B samples of a step's batch, K training
// samples or groups, C components.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "quadrature/plan.hpp"

namespace explaind {

/// Scores in F's unit (double). total is the step's own; data and decay belong to it, or, by origin
/// step, to the gradients that were made in it: Σ over steps of total is that of all parts.
struct StepScores {
  int64_t step = 0;
  std::vector<int64_t> samples;  ///< by origin: of the batch, indices into the training data
  at::Tensor data;               ///< R B C by origin, R K C by the step applied
  at::Tensor decay;              ///< R C: weight decay
  at::Tensor momentum;       ///< R C: what momentum from before the range did in this step; else 0
  at::Tensor rounding;       ///< R C: the rounding of this step's update
  at::Tensor total;          ///< R C: Ψ = Δ ⊙ G of this step's update
  std::vector<double> sums;  ///< F: Ψ over all components
  std::vector<SampleVerdict> verdicts;  ///< F: of G over this step's update
};

}  // namespace explaind
