#pragma once
// A recorded run replayed by several ranks, each of which works on its own steps.

#include <cstdint>
#include <functional>
#include <vector>

#include "comm/communicator.hpp"
#include "core/stop_flag.hpp"
#include "model/model.hpp"
#include "runs/recorded_run.hpp"
#include "training/replay.hpp"
#include "training/run_gradients.hpp"

namespace explaind {

/// Rank r of R computes the batch gradients of every step r, r + R, …; all ranks exchange them and
/// replay the optimizer through every step, which is elementwise and cheap. A step's gradients, and
/// so all that follows from them, are the same whatever rank makes them.
class ReplayRanks {
 public:
  /// Called for a step of this rank, when the replay has just taken it. Returns the numbers that
  /// are sent to all ranks.
  using Work = std::function<std::vector<double>(int64_t step, const OptimizerReplay& replay)>;
  /// Called on every rank for every step, in their order, with what its rank returned.
  using Fold = std::function<void(int64_t step, const std::vector<double>& result)>;

  /// All must outlive this. stop: looked at before every step.
  ReplayRanks(const RecordedRun& run, const RunGradients& gradients, const Communicator& world,
              const StopFlag& stop)
      : run_(run), gradients_(gradients), world_(world), stop_(stop) {}

  /// Steps 0 … steps−1. An error on one rank is thrown on all. @collective over world
  void run(int64_t steps, const Work& work, const Fold& fold) const;

 private:
  /// The gradients of every rank's step; none where `own` is past the last. Real: their type.
  template <typename Real>
  [[nodiscard]] std::vector<std::vector<Real>> gradients_from(int64_t own, int64_t steps) const;
  /// Steps 0 … steps−1 with gradients of that type.
  template <typename Real>
  void run_in(int64_t steps, const Work& work, const Fold& fold) const;

  const RecordedRun& run_;
  const RunGradients& gradients_;
  const Communicator& world_;
  const StopFlag& stop_;
};

}  // namespace explaind
