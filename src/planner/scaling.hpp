#pragma once
// What a job takes on more and more ranks, and what then limits it.

#include <cstdint>
#include <string>
#include <vector>

#include "planner/dispatch_simulation.hpp"

namespace explaind {

/// A job, cut for some number of ranks.
struct ScalingShape {
  int64_t ranks = 1;
  int64_t shards = 1;  ///< ranks that share a unit
  int64_t memory = 0;  ///< bytes of a rank
  double before = 0;   ///< seconds of every rank until units are handed out
  /// Seconds of one rank that would do all of it alone: until then, and of all units.
  double before_alone = 0, units_alone = 0;
  SimulatedWork work = {};
};

/// What is predicted of it.
struct ScalingRow {
  int64_t ranks = 1, nodes = 1;
  double seconds = 0;
  double efficiency = 1;  ///< what one rank would compute, without reading ÷ ranks × seconds
  int64_t memory = 0;     ///< bytes of a rank
  int64_t memory_of_node = 0;
  double bytes_read = 0;     ///< of the series, by all nodes
  double bytes_between = 0;  ///< from one node to another
  std::string limit;         ///< what takes most, where the efficiency is below 80 %
};

/// 1 × step, 2 × step, 4 × step, …, and `ranks` itself.
std::vector<int64_t> doubling(int64_t ranks, int64_t step);

/// The shapes in ascending order of ranks; place: what nodes are, its groups and shards not looked
/// at.
std::vector<ScalingRow> scaling_rows(const std::vector<ScalingShape>& shapes,
                                     const SimulatedPlace& place);

}  // namespace explaind
