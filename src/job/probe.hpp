#pragma once
// A few units of a decomposition, done as it will do them, to know what the rule takes.

#include <cstdint>
#include <map>
#include <optional>

#include "job/problem.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// Some pieces of the trajectory with one micro-batch of samples. Hard pieces take many times what
/// easy ones take, so the longest step is among them, and what lies between is interpolated.
/// Seconds that are spent on measuring what an evaluation takes, and on segments that are run to
/// know how many it needs.
inline constexpr double calibration_seconds = 2, probe_seconds = 6;

struct PlanProbe {
  int64_t pieces = 0;                           ///< that were run
  double evaluations = 0, least = 0, most = 0;  ///< of gradients a sample: mean of all pieces, and
                                                ///< of the easiest and the hardest that was run
  double seconds = 0, shortest = 0, longest = 0;  ///< of one piece and micro-batch, likewise
  std::map<int64_t, double> of_piece;  ///< seconds of some pieces, between those that were run
};

/// Runs pieces until `budget` seconds are spent, one at least. memory: as the run will have it, by
/// one rank. Not collective.
PlanProbe probe_pieces(const Problem& problem, const MemoryPlan& memory, double budget);

}  // namespace explaind
