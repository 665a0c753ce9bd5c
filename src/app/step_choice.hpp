#pragma once
// Which segments of the series a run decomposes.

#include "app/decompose_job.hpp"
#include "comm/process_grid.hpp"
#include "config/decompose_options.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// Applies --steps and --step-policy to the job's trajectory and units.
///
/// Where the choice depends on F (top), or leaves something out (drop), F of every sample is
/// computed at every checkpoint first; how much of |ΔF| how many segments hold is printed by rank 0
/// and kept as the job's curve. Throws UsageError and DataError as
/// select_segments does.
/// @collective over world
void choose_steps(DecomposeJob& job, const DecomposeOptions& options, const MemoryPlan& memory,
                  const Communicator& world, const ProcessGrid& grid);

}  // namespace explaind
