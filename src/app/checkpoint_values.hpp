#pragma once
// The loss-only pass: F at every checkpoint of a series.

#include "app/decompose_job.hpp"
#include "comm/process_grid.hpp"
#include "path/path_values.hpp"
#include "planner/memory_plan.hpp"
#include "scores/step_curve.hpp"

namespace explaind {

/// Computes F by forward passes, checkpoints shared out over the segment groups, each as `memory`
/// says; the same on every rank, and the same bits on any grid. Throws DataError where F is not
/// finite (checkpoint and sample named). @collective over world
CheckpointValues values_at_checkpoints(const DecomposeJob& job, const MemoryPlan& memory,
                                       const Communicator& world, const ProcessGrid& grid);

/// Prints the share of |ΔF| that the largest segments hold, in ten columns at most.
void print_curve(const StepCurve& curve);

}  // namespace explaind
