#pragma once
// A run of many ranks, event by event, by the dispatcher's own rules: what is handed out in ranges
// of which size, who waits for whose answer, what a node reads. Nothing is computed or sent.

#include <chrono>
#include <cstdint>
#include <vector>

#include "comm/dispatch_rule.hpp"

namespace explaind {

/// A unit of work, for the group of ranks that computes it.
struct SimulatedUnit {
  double seconds = 0;   ///< of computing
  int64_t segment = 0;  ///< whose points must have been read
};

/// What is to be done, as groups of one shape take it.
struct SimulatedWork {
  std::vector<SimulatedUnit> units;          ///< in the order in which they are handed out
  std::vector<std::vector<int64_t>> points;  ///< of the path, of every segment; may be empty
  double point_bytes = 0;                    ///< of a point of the path, in files
  double gathered = 0;                       ///< bytes a rank receives from its group, in a unit
};

/// Seconds of messages. Service times were measured with 64 ranks on two cores, where it is
/// slowest: tests/benchmarks/results/2026-11-29-scaling.md.
struct MessageTimes {
  double answered = 57e-6;  ///< of rank 0's thread, for a request
  double heard = 2e-6;      ///< the same, for a report
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
