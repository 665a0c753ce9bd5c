#pragma once
// What scores of single scalars add to a plan.

#include <cstdint>

#include "app/decompose_job.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

struct ParameterCost {
  double seconds = 0;        ///< of engine B, on ranks as fast as this one
  int64_t bytes_stored = 0;  ///< of the scalars
};

/// Times the first micro-batch's passes with weight gradients for about `budget` seconds. busy:
/// ranks that work at once. Not collective.
ParameterCost parameter_cost(const DecomposeJob& job, const MemoryPlan& memory, double evaluations,
                             int64_t busy, bool single_precision, double budget);

}  // namespace explaind
