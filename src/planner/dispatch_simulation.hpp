#pragma once
// A run of many ranks, event by event, by the dispatcher's own rules: what is handed out in ranges
// of which size, who waits for whose answer, what a node reads. Nothing is computed or sent.

#include <cstdint>
#include <vector>

#include "comm/dispatch_rule.hpp"

namespace explaind {

/// A unit of work, for the group of ranks that computes it.
struct SimulatedUnit {
  double seconds = 0;  ///< of computing
  /// Points of the path that must have been read: [first, last].
  int64_t first_point = 0, last_point = -1;
};

/// What is to be done, as groups of one shape take it.
struct SimulatedWork {
  std::vector<SimulatedUnit> units;  ///< in the order in which they are handed out
  double point_bytes = 0;            ///< of a point of the path, in files
  double gathered = 0;               ///< bytes a rank receives from its group, in a unit
};

/// Seconds of messages. Defaults are measured: tests/benchmarks/results, dispatcher.
struct MessageTimes {
  double served = 12e-6;  ///< of rank 0's thread: a request answered, or a report heard
  double look = 0.5 * std::chrono::duration<double>(between_looks).count();   ///< its mean sleep
  double reply = 0.5 * std::chrono::duration<double>(between_tries).count();  ///< a client's
};

/// Ranks and what lies between them. Ranks fill one node after another, and groups are neighbours.
struct SimulatedPlace {
  int64_t groups = 1, shards = 1;
  int64_t ranks_of_node = 1 << 30;
  double read_rate = 1e300;     ///< bytes a second that a node reads
  double network_rate = 1e300;  ///< bytes a second that a node receives from others
  double gather_second = 0;     ///< of a byte from a rank of the same node
  MessageTimes messages = {};
};

/// Seconds are summed over groups, all but the first.
struct SimulatedRun {
  double seconds = 0;  ///< from the first request until the last group has got nothing more
  double computing = 0, gathering = 0, reading = 0, asking = 0;
  double idle = 0;           ///< with nothing left to be handed out
  double most_asking = 0;    ///< of the group that waited longest for answers
  int64_t requests = 0;      ///< answered by rank 0, its own among them
  double bytes_read = 0;     ///< out of files, by all nodes
  double bytes_between = 0;  ///< from one node to another: gathered, and messages
};

/// A node reads a point once, whoever of its ranks needs it, one after another, and keeps it.
SimulatedRun simulate_dispatch(const SimulatedWork& work, const SimulatedPlace& place);

}  // namespace explaind
