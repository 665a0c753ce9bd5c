#pragma once
// What a run will cost, from its shapes and from seconds measured on this machine.

#include <cstdint>

#include "decomposition/memory_plan.hpp"
#include "scores/tile.hpp"

namespace explaind {

/// Seconds for the network's largest block, on one micro-batch.
struct BlockTimes {
  double parameters = 0;  ///< elements of the block
  double tokens = 0;      ///< padded tokens of the micro-batch
  double delta = 0;       ///< Δ formed from both endpoints
  double weight = 0;      ///< W(t) formed
  double forward = 0;     ///< values alone
  double attributed = 0;  ///< forward with a graph, backward with scores: three products a weight
};

/// Times the block as the sweep runs it, with the largest micro-batch of the samples and this run's
/// axes, for about `seconds`; medians of what was repeated. Not collective.
BlockTimes time_block(const MemoryDemand& demand, double seconds);

/// Of the whole run; per rank where it says so.
struct CostEstimate {
  double operations = 0;    ///< floating-point operations of matrix products
  double bytes_read = 0;    ///< a rank's, of stored weights, out of files or the page cache
  double bytes_sent = 0;    ///< a rank's, between ranks
  double bytes_stored = 0;  ///< size of the variables of the store
  double seconds = 0;
};

/// evaluations: gradient evaluations a sample and segment. Within a group micro-batches are taken
/// to be shared out evenly; groups work at the same time, each as fast as what was measured.
CostEstimate estimate_cost(const MemoryDemand& demand, const MemoryPlan& memory,
                           const BlockTimes& times, const UnitGrid& units, int64_t segment_groups,
                           double evaluations, bool single_precision_store);

}  // namespace explaind
