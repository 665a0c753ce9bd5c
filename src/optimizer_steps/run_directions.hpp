#pragma once
// The updates of a recorded run in their parts: data, weight decay, rounding.

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "optimizer_steps/step_file.hpp"
#include "path/trajectory.hpp"
#include "runs/recorded_run.hpp"
#include "scores/part.hpp"
#include "training/replay.hpp"

namespace explaind {

/// Between two points of a run a part is the sum of the same part of every step (method.md §2).
/// What the recorded weights say is formed where it is used:
///
///   decay of AdamW  Σ_s −α_s λ_s θ_s, of the steps that stepped the parameter
///   rounding        θ(to) − θ(from) − decay − data
///
/// What passes through momentum is replayed beforehand and lies in a file a step: the data of all
/// training samples together, and coupled decay.
class RunDirections final : public PathDirections {
 public:
  /// parts: of decay, rounding and data, each once.
  RunDirections(RecordedRun run, std::vector<Part> parts);

  [[nodiscard]] bool needs_files() const { return keeps_data_ || keeps_decay_; }
  /// Whether the replay needs every batch's gradient; else decay is known without.
  [[nodiscard]] bool needs_gradients() const;
  /// The parts in a step's file. type: of its arrays, fp32 or fp64.
  [[nodiscard]] StepFile::Layout layout(Dtype type) const;
  /// Fills the file of the step that the replay has just taken.
  void write(const OptimizerReplay& replay, const StepFile& file) const;
  /// By step: of every step between the points that will be asked for. Until then what lies in
  /// files is left out.
  void set_files(std::map<int64_t, std::shared_ptr<const StepFile>> files);

  [[nodiscard]] int64_t count() const override { return static_cast<int64_t>(parts_.size()); }
  /// Throws std::out_of_range where a step's file is not among those given.
  [[nodiscard]] std::vector<StoredSum> between(const PointPair& pair,
                                               ParameterId parameter) const override;

 private:
  [[nodiscard]] StoredSum decay(const PointPair& pair, size_t parameter) const;
  [[nodiscard]] StoredSum stored(const PointPair& pair, size_t parameter, int64_t array) const;

  RecordedRun run_;
  std::vector<Part> parts_;
  bool keeps_data_ = false, keeps_decay_ = false;  ///< arrays of a step's file, in this order
  std::map<int64_t, std::shared_ptr<const StepFile>> files_;
};

}  // namespace explaind
