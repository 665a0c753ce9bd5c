#pragma once
// Which segments of the series a run decomposes, and the pass over all checkpoints that decides it.

#include "app/decompose_job.hpp"
#include "comm/process_grid.hpp"
#include "config/decompose_options.hpp"
#include "decomposition/memory_plan.hpp"

namespace explaind {

/// Applies --steps and --step-policy to the job's trajectory and units.
///
/// Where the choice depends on F (top), or leaves something out (drop), F of every sample is
/// computed at every checkpoint first (forward passes, shared out over the groups), and rank 0
/// prints how much of |ΔF| how many segments hold. Throws UsageError and DataError as
/// select_segments does.
/// @collective over world
void choose_steps(DecomposeJob& job, const DecomposeOptions& options, const MemoryPlan& memory,
                  const Communicator& world, const ProcessGrid& grid);

}  // namespace explaind
