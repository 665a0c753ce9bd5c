#pragma once
// What scores of single scalars add to a job's time.

#include <cstdint>

#include "job/probe.hpp"
#include "job/scalar_job.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// Seconds of engine B on ranks as fast as this one. Times the first
/// micro-batch's passes with weight gradients for calibration_seconds. busy: ranks that work at
/// once. Not collective.
double scalar_seconds(const Problem& problem, const MemoryPlan& memory, double evaluations,
                      int64_t busy);

}  // namespace explaind
