#pragma once
// The update rules of a recorded run from its last step back to its first, in bounded memory.
//
// Legend: N steps, D parameters.

#include <cstdint>
#include <vector>

#include "training/batch_gradients.hpp"
#include "training/replay.hpp"

namespace explaind {

/// Second moments cannot be run backward (β2^{−n}), so where a run does not store them the
/// optimizer is replayed forward, once with snapshots on the way, and again from a snapshot for
/// every stretch of steps that is wanted. A step's gradient is then made once or twice. With stored
/// moments, and with SGD, no gradient is made.
class UpdateRules {
 public:
  /// Steps 0 … steps−1 are replayed. memory: bytes for rules and snapshots; where N rules fit there
  /// is one stretch and every gradient is made once. The least that works is taken where it is too
  /// small: about 2√(5N) times D doubles. run and gradients must outlive this.
  UpdateRules(const RecordedRun& run, const BatchGradients& gradients, int64_t steps,
              int64_t memory);

  /// One rule per parameter, valid until the next call. Cheap only where steps descend.
  const std::vector<UpdateRule>& of_step(int64_t step);

  /// Steps of a stretch.
  [[nodiscard]] int64_t stretch() const { return stretch_; }
  /// Forward and backward passes that were needed so far.
  [[nodiscard]] int64_t gradients_made() const { return gradients_made_; }

 private:
  void lay_snapshots();
  /// Replays the stretch's steps and keeps their rules.
  void replay_stretch(int64_t stretch);
  void advance(OptimizerReplay& replay);

  const RecordedRun& run_;
  const BatchGradients& gradients_;
  int64_t steps_, stretch_ = 1, gradients_made_ = 0;
  bool needs_gradients_;
  std::vector<OptimizerReplay> snapshots_;      ///< before the first step of every stretch
  int64_t first_ = 0;                           ///< of rules_
  std::vector<std::vector<UpdateRule>> rules_;  ///< of the present stretch: step, parameter
};

/// Steps of a stretch under a budget of `memory` bytes, 1 … steps.
int64_t stretch_of(int64_t steps, int64_t parameters, int64_t memory);

}  // namespace explaind
