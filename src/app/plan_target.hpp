#pragma once
// The ranks, the memory and the device that a decomposition is planned for.

#include <cstdint>
#include <optional>

#include "app/decompose_job.hpp"
#include "app/run_memory.hpp"
#include "comm/communicator.hpp"
#include "config/plan_options.hpp"
#include "planner/grid_choice.hpp"
#include "planner/memory_plan.hpp"
#include "tensors/device.hpp"

namespace explaind {

struct PlanTarget {
  int64_t ranks;
  MemoryBudget budget;  ///< of a rank
  ChosenDevice device;
  GridChoice grid;
  MemoryPlan memory;
  [[nodiscard]] int64_t groups() const { return ranks / grid.shards; }
};

/// The grid and memory of so many ranks. shards: as asked; else they are chosen. Throws DataError
/// where it does not fit. @collective over world
PlanTarget plan_target(const PlanOptions& options, const DecomposeJob& job,
                       const ChosenDevice& device, int64_t ranks, std::optional<int> shards,
                       const Communicator& world);

/// Micro-batches of the rank with most of them, over all pieces.
double batches_of_rank(const DecomposeJob& job, const PlanTarget& target);

}  // namespace explaind
