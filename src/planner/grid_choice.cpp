#include "planner/grid_choice.hpp"

#include <fmt/format.h>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {

std::optional<int> fixed_shards(int ranks, std::optional<int64_t> shards,
                                std::optional<int64_t> segment_groups) {
  if (!shards && !segment_groups) return std::nullopt;
  if (!shards) {
    if (ranks % *segment_groups != 0) {
      throw UsageError(
          "--segment-groups",
          counted(ranks, "rank") + " cannot be divided into " + counted(*segment_groups, "group"),
          "Start a multiple of it");
    }
    return static_cast<int>(ranks / *segment_groups);
  }
  if (ranks % *shards != 0) {
    throw UsageError(
        "--shards",
        fmt::format("{} cannot be divided into groups of {}", counted(ranks, "rank"), *shards),
        "Start a multiple of it");
  }
  if (segment_groups && *shards * *segment_groups != ranks) {
    throw UsageError(
        "--segment-groups",
        fmt::format("{} of {} are {}, not {}", counted(*segment_groups, "group"),
                    counted(*shards, "rank"), counted(*shards * *segment_groups, "rank"), ranks),
        "Start so many, or leave the key out");
  }
  return static_cast<int>(*shards);
}

GridChoice choose_shards(int ranks, std::optional<Source> source,
                         const std::function<bool(Source, int)>& fits) {
  if (source && *source != Source::gathered) {
    return {1, "groups of one rank need nothing from each other"};
  }
  if (ranks == 1) return {1, "there is one rank"};
  if (!source && fits(Source::resident, 1)) return {1, "all weights fit every rank"};
  for (int shards = 2; shards <= ranks; ++shards) {
    if (ranks % shards == 0 && fits(Source::gathered, shards)) {
      return {shards, "the fewest ranks that hold the stored weights together"};
    }
  }
  // Where it was asked for, what comes next says how much would fit.
  if (source) return {ranks, "no number of ranks can hold the stored weights"};
  return {1, "no number of ranks can hold the stored weights: streamed"};
}

GridChoice choose_grid(int ranks, std::optional<Source> source, const MemoryDemand& demand,
                       const MemoryBudget& budget) {
  return choose_shards(ranks, source, [&](Source candidate, int shards) {
    MemoryDemand shared = demand;
    shared.shards = shards;
    return fits_memory(candidate, shared, budget);
  });
}

}  // namespace explaind
