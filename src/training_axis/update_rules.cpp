#include "training_axis/update_rules.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/elements.hpp"

namespace explaind {
namespace {

/// Bytes of a parameter in a snapshot: both buffers, second moment, and what entered last.
constexpr int64_t snapshot_bytes = 5 * sizeof(double);
/// And in an update that is held: scale (fp64; SGD has a number) and rounding.
constexpr int64_t update_bytes = sizeof(double) + sizeof(float);

int64_t scalars_of(const RecordedRun& run) {
  int64_t count = 0;
  for (const RunParameter& parameter : run.description().parameters) {
    count += elements(parameter.shape);
  }
  return count;
}

int64_t bytes_of(int64_t steps, int64_t parameters, int64_t stretch) {
  const int64_t snapshots = (steps + stretch - 1) / stretch - 1;
  return (stretch * update_bytes + snapshots * snapshot_bytes) * parameters;
}

/// The stretch that takes the least memory.
int64_t least_stretch(int64_t steps) {
  const double ratio = static_cast<double>(snapshot_bytes) / static_cast<double>(update_bytes);
  const auto least = static_cast<int64_t>(std::ceil(std::sqrt(ratio * static_cast<double>(steps))));
  return std::clamp<int64_t>(least, 1, std::max<int64_t>(steps, 1));
}

}  // namespace

int64_t rule_bytes(int64_t steps, int64_t parameters, int64_t memory) {
  return bytes_of(steps, parameters, stretch_of(steps, parameters, memory));
}

int64_t least_rule_bytes(int64_t steps, int64_t parameters) {
  return bytes_of(steps, parameters, least_stretch(steps));
}

int64_t stretch_of(int64_t steps, int64_t parameters, int64_t memory) {
  for (int64_t stretches = 1; stretches <= steps; ++stretches) {
    const int64_t stretch = (steps + stretches - 1) / stretches;
    if (bytes_of(steps, parameters, stretch) <= memory) return stretch;
    if (stretch * stretch * update_bytes <= snapshot_bytes * steps) break;  // more would be needed
  }
  return least_stretch(steps);
}

UpdateRules::UpdateRules(const RecordedRun& run, const RunGradients& gradients, int64_t first,
                         int64_t end, int64_t memory, bool rounding)
    : run_(run), gradients_(gradients), first_(first), end_(end), keeps_rounding_(rounding) {
  const RunDescription& description = run.description();
  const bool second_moments =
      description.optimizer != OptimizerKind::sgd && !description.second_moments;
  needs_gradients_ = second_moments || rounding || first > 0;
  stretch_ = stretch_of(end - first, scalars_of(run), memory);
}

void UpdateRules::advance(OptimizerReplay& replay) {
  const int64_t step = replay.next_step();
  if (needs_gradients_) {
    ++gradients_made_;
    replay.advance(gradients_.of_step(step));
    return;
  }
  replay.advance(no_gradients(run_, step));
}

void UpdateRules::lay_snapshots() {
  OptimizerReplay replay(run_);
  while (replay.next_step() < first_) advance(replay);
  if (first_ > 0) replay.begin_range();
  const int64_t last_begin = first_ + (end_ - first_ - 1) / stretch_ * stretch_;
  snapshots_.push_back(replay);
  while (replay.next_step() < last_begin) {
    advance(replay);
    if ((replay.next_step() - first_) % stretch_ == 0) snapshots_.push_back(replay);
  }
}

void UpdateRules::replay_stretch(int64_t stretch) {
  OptimizerReplay replay = snapshots_.at(static_cast<size_t>(stretch));
  held_from_ = first_ + stretch * stretch_;
  held_.clear();
  const int64_t end = std::min(held_from_ + stretch_, end_);
  while (replay.next_step() < end) {
    advance(replay);
    RecordedUpdate& update = held_.emplace_back();
    for (size_t i = 0; i < run_.description().parameters.size(); ++i) {
      update.rules.push_back(replay.rule(i));
      if (keeps_rounding_) update.rounding.push_back(replay.parts(i).rounding.to(at::kFloat));
    }
  }
}

const at::Tensor& UpdateRules::past(size_t parameter) {
  if (snapshots_.empty()) lay_snapshots();
  return snapshots_.front().past(parameter);
}

const RecordedUpdate& UpdateRules::of_step(int64_t step) {
  if (step < first_ || step >= end_) throw std::out_of_range("no rule of step");
  if (snapshots_.empty()) lay_snapshots();
  const auto held = static_cast<int64_t>(held_.size());
  if (step < held_from_ || step >= held_from_ + held) replay_stretch((step - first_) / stretch_);
  return held_[static_cast<size_t>(step - held_from_)];
}

}  // namespace explaind
