#pragma once
// The loss-only pass: F at every checkpoint of a series.

#include "comm/process_grid.hpp"
#include "job/control.hpp"
#include "job/problem.hpp"
#include "path/path_values.hpp"
#include "planner/memory_plan.hpp"
#include "scores/step_curve.hpp"

namespace explaind {

/// All ranks of a job, and how they are grouped. Both must outlive what they are given to.
struct Ranks {
  const Communicator& world;
  const ProcessGrid& grid;
};

/// A point of the path, and the network that F is computed with there: a place in
/// Subject::networks().
struct PointOfNetwork {
  size_t point = 0, network = 0;
};

/// F of every sample and output at some points, as values_at_checkpoints computes it. Returns
/// points × (samples × outputs). @collective over the ranks
std::vector<double> values_at(const Problem& problem, const std::vector<PointOfNetwork>& points,
                              const MemoryPlan& memory, const Ranks& ranks, const Control& control);

/// Computes F by forward passes, checkpoints shared out over the segment groups, each as `memory`
/// says, with its own network; the same on every rank, and the same bits on any grid. Throws
/// DataError where F is not finite (checkpoint and sample named). @collective over the ranks
CheckpointValues values_at_checkpoints(const Problem& problem, const MemoryPlan& memory,
                                       const Ranks& ranks, const Control& control);

/// The share of |ΔF| that the largest segments hold, in ten columns at most: lines.
std::string curve_text(const StepCurve& curve);

}  // namespace explaind
