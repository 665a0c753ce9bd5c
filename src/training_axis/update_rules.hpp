#pragma once
// The update rules of a recorded run from its last step back to its first, in bounded memory.
//
// Legend: N steps, D parameters.

#include <cstdint>
#include <vector>

#include "training/replay.hpp"
#include "training/run_gradients.hpp"

namespace explaind {

/// One update, as the adjoint sweep needs it.
struct RecordedUpdate {
  std::vector<UpdateRule> rules;  ///< per parameter
  std::vector<at::Tensor>
      rounding;  ///< SplitUpdate::rounding, where kept; its digits are few: fp32
};

/// Neither second moments nor momentum can be run backward (β^{−n}), so the optimizer is replayed
/// forward, once with snapshots on the way, and again from a snapshot for every stretch of steps
/// that is wanted. A step's gradient is then made once or twice; not at all where neither momentum
/// nor Adam's second moments are wanted of it.
class UpdateRules {
 public:
  /// The updates of a range of steps, first ≤ s < end; momentum from before is its past. memory:
  /// bytes for updates and snapshots; where all updates fit there is one stretch and every gradient
  /// is made once. rounding: keep it. The least that works is taken where it is too small
  /// (least_rule_bytes). run and gradients must outlive this.
  UpdateRules(const RecordedRun& run, const RunGradients& gradients, int64_t first, int64_t end,
              int64_t memory, bool rounding);

  /// Valid until the next call. Cheap only where steps descend.
  const RecordedUpdate& of_step(int64_t step);
  /// OptimizerReplay::past of the range, per parameter.
  const at::Tensor& past(size_t parameter);

  /// Steps of a stretch.
  [[nodiscard]] int64_t stretch() const { return stretch_; }
  /// Forward and backward passes that were needed so far.
  [[nodiscard]] int64_t gradients_made() const { return gradients_made_; }

 private:
  void lay_snapshots();
  /// Replays the stretch's steps and keeps their updates.
  void replay_stretch(int64_t stretch);
  void advance(OptimizerReplay& replay);

  const RecordedRun& run_;
  const RunGradients& gradients_;
  int64_t first_, end_, stretch_ = 1, gradients_made_ = 0;
  bool keeps_rounding_, needs_gradients_;
  std::vector<OptimizerReplay> snapshots_;  ///< before the first step of every stretch
  int64_t held_from_ = 0;                   ///< step of the first of held_
  std::vector<RecordedUpdate> held_;        ///< of the present stretch
};

/// Steps of a stretch under a budget of `memory` bytes, 1 … steps.
int64_t stretch_of(int64_t steps, int64_t parameters, int64_t memory);

/// What updates and snapshots take with so much memory, and at least: about 44 √N bytes a
/// parameter.
int64_t rule_bytes(int64_t steps, int64_t parameters, int64_t memory);
int64_t least_rule_bytes(int64_t steps, int64_t parameters);

}  // namespace explaind
