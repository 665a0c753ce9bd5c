#pragma once
// What forming the steps of an optimizer adds to a plan.

#include <cstdint>

#include "job/problem.hpp"
#include "planner/calibration.hpp"

namespace explaind {

struct FormingCost {
  double operations = 0, seconds = 0;  ///< of the rank that forms most of them, writing aside
  int64_t bytes = 0;                   ///< of STORE.steps, while the run lasts
};

/// The cost of a problem with steps on so many ranks: a forward pass, that of every block again,
/// and a backward pass with weight gradients over the training batch at each checkpoint, at the
/// rate measured. Not collective.
FormingCost forming_cost(const Problem& problem, const Calibration& times, int64_t ranks);

}  // namespace explaind
