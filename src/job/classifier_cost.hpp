#pragma once
// What a decomposition of a classifier's run will take.

#include <cstdint>

#include "job/problem.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// Measured on the spot: evaluations of one micro-batch in the middle of the first piece.
struct ClassifierCost {
  double seconds = 0;         ///< of the whole decomposition, on so many ranks
  double per_evaluation = 0;  ///< seconds of one evaluation of one micro-batch
};

/// Takes about `budget` seconds. evaluations: of gradients, a sample and piece. Not collective.
ClassifierCost classifier_cost(const Problem& problem, const MemoryPlan& memory, double evaluations,
                               int64_t ranks, double budget);

}  // namespace explaind
