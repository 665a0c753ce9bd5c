#pragma once
// How many ranks share a unit, where nobody has said it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "planner/memory_plan.hpp"

namespace explaind {

/// Ranks of a segment group, and why so many.
struct GridChoice {
  int shards = 1;
  std::string reason;
};

/// The shards that --shards or --segment-groups fix, nothing where neither is given. Throws
/// UsageError where the ranks are not shards × segment groups.
std::optional<int> fixed_shards(int ranks, std::optional<int64_t> shards,
                                std::optional<int64_t> segment_groups);

/// The default: 1 where the whole model's weights fit a rank, since groups of one need nothing from
/// each other; else the fewest ranks (a divisor of all) that can hold the stored weights together
/// and gather them; else 1, streamed. source: --parameters, nothing for auto. fits: whether that
/// source fits the budget with so many shards.
GridChoice choose_shards(int ranks, std::optional<Source> source,
                         const std::function<bool(Source, int)>& fits);

/// The grid that suits a job's memory. budget: the same on all ranks.
GridChoice choose_grid(int ranks, std::optional<Source> source, const MemoryDemand& demand,
                       const MemoryBudget& budget);

}  // namespace explaind
