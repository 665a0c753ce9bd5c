#pragma once
// Where a job is computed: ranks, device, memory.

#include <cstdint>
#include <optional>

#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "machine/allotment.hpp"
#include "planner/memory_plan.hpp"
#include "tensors/device.hpp"

namespace explaind {

/// What one rank has, and what was asked for; "asked" where nothing is chosen. The communicator
/// must outlive it.
struct Place {
  const Communicator& world;
  int64_t ranks;  ///< that the job is for: world's, or, where it is planned, others
  ChosenDevice device;
  MemoryBudget budget;           ///< of this rank
  std::optional<int> shards;     ///< ranks that share a unit, as asked
  std::optional<Source> source;  ///< of parameters, as asked
};

/// Ranks that a job is planned for, and how many of them a machine has.
struct PlannedRanks {
  int64_t ranks = 1, of_node = 1;
};

/// The place that the options name, for a job on so many ranks (none: world's, where they are).
/// allotted: to this rank, of the machine.
/// Throws UsageError where an option is no size, no source, no device, or where ranks are not
/// shards × segment groups. @collective over world
Place place_of(const DecomposeOptions& options, const Communicator& world,
               const Allotment& allotted, std::optional<PlannedRanks> planned = {});

/// The least of all ranks, of each memory, and the most threads. @collective
MemoryBudget least_budget(const MemoryBudget& budget, const Communicator& ranks);

}  // namespace explaind
