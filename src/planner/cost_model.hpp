#pragma once
// What a run will cost a rank, from its shapes and from seconds measured on this machine.

#include <cstdint>

#include "planner/calibration.hpp"
#include "planner/memory_plan.hpp"
#include "scores/tile.hpp"

namespace explaind {

/// What a chunk of samples asks of the quadrature rule.
struct ExpectedRounds {
  double rounds = 1;     ///< sweeps over the model
  double nodes = 9;      ///< distinct t
  double largest = 9;    ///< nodes of one round
  double gradients = 9;  ///< gradient evaluations a sample
  double values = 0;     ///< evaluations of F alone a sample
};

/// evaluations: the mean over samples, for the adaptive rule. Samples stop at a level of its nodes;
/// where the mean lies between two of these, samples are taken to go on independently of each
/// other, and a chunk goes on when one of them does.
ExpectedRounds expected_rounds(const QuadratureOptions& options, double evaluations,
                               int64_t samples);

/// Costs of the rank with most to do, on a machine whose ranks are alike.
struct CostEstimate {
  double operations = 0;      ///< floating-point, of products with weights
  double bytes_read = 0;      ///< stored weights, out of files or the page cache
  double bytes_received = 0;  ///< of weights, from the ranks that share a unit
  double seconds = 0;         ///< of the loop over units
  int64_t memory = 0;         ///< bytes, anonymous; what the plan allows may be more
};

/// Units are shared out evenly over the groups, micro-batches over the ranks of a group.
CostEstimate estimate_cost(const MemoryDemand& demand, const MemoryPlan& memory,
                           const Calibration& times, const UnitGrid& units, int64_t segment_groups,
                           double evaluations);

}  // namespace explaind
