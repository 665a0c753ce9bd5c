#pragma once
// What a run's ranks may take and what they need: shared by decompose and plan.

#include <cstdint>

#include "app/decompose_job.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "planner/grid_choice.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// What one of so many ranks on this machine may take of it: --memory, or its share of four fifths
/// of what is free; and of its device: --device-memory, or its share of nine tenths of what is free
/// there, 0 where it computes on the processor. Throws UsageError where an option is no size.
MemoryBudget rank_budget(const DecomposeOptions& options, const Device& device,
                         int64_t ranks_on_host);

/// The least of all ranks, of each memory, and the most threads. @collective
MemoryBudget least_budget(const MemoryBudget& budget, const Communicator& ranks);

/// choose_grid for the job; classifiers do not share units unless asked to.
GridChoice grid_of(const DecomposeJob& job, int ranks, std::optional<Source> source,
                   const MemoryBudget& budget);

/// The memory plan of one of `shards` ranks that share units. Throws DataError where it does not
/// fit.
MemoryPlan memory_of(const DecomposeJob& job, int shards, std::optional<Source> source,
                     const MemoryBudget& budget);

/// The job of a language model, as the memory plan takes it.
MemoryDemand demand_of(const DecomposeJob& job, int shards);

}  // namespace explaind
