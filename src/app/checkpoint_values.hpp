#pragma once
// The loss-only pass: F at every checkpoint of a series, and what it says about its segments.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "app/decompose_job.hpp"
#include "comm/process_grid.hpp"
#include "decomposition/memory_plan.hpp"
#include "scores/step_curve.hpp"

namespace explaind {

/// F of S samples, or of all outputs of them, at the N + 1 points of a path.
struct CheckpointValues {
  std::vector<int64_t> steps;  ///< N + 1
  size_t samples = 0;          ///< S
  std::vector<double> values;  ///< N + 1, S, in F's unit

  [[nodiscard]] double at(size_t checkpoint, size_t sample) const {
    return values[checkpoint * samples + sample];
  }
  /// Σ over samples of |ΔF| of each segment between neighbours: N.
  [[nodiscard]] std::vector<double> changes() const;
};

/// Computes F by forward passes, checkpoints shared out over the segment groups, each as `memory`
/// says; the same on every rank, and the same bits on any grid. Throws DataError where F is not
/// finite (checkpoint and sample named). @collective over world
CheckpointValues values_at_checkpoints(const DecomposeJob& job, const MemoryPlan& memory,
                                       const Communicator& world, const ProcessGrid& grid);

/// Prints the share of |ΔF| that the largest segments hold, in ten columns at most.
void print_curve(const StepCurve& curve);

}  // namespace explaind
