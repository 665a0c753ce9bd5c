#pragma once
// What the work of a sweep takes on this machine, measured on the model's own shapes.

#include "planner/memory_plan.hpp"

namespace explaind {

/// Seconds, each per unit of what it grows with.
struct Calibration {
  double finite = 0;      ///< an element of both endpoints looked at for being finite
  double delta = 0;       ///< an element of Δ formed from both endpoints
  double weight = 0;      ///< an element of W(t) formed
  double forward = 0;     ///< an element of a block's weights and token: values alone
  double attributed = 0;  ///< the same: forward with a graph, backward with scores, three products
  double head = 0;        ///< an element of the unembedding and token: all that follows the blocks
  double gather = 0;      ///< a byte received from the ranks that share a unit
  double rate = 0;        ///< operations a second of `attributed`
};

/// Times the largest block and the unembedding as the sweep runs them, with this run's axes and
/// some of the largest micro-batch's samples, for about `seconds`; medians of what was repeated.
/// Weights come out of the page cache. Not collective: ranks that call it together measure what
/// they leave each other.
/// gathers: also what comes from other ranks.
Calibration calibrate(const MemoryDemand& demand, double seconds, bool gathers);

}  // namespace explaind
