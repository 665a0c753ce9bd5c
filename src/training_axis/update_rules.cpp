#include "training_axis/update_rules.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace explaind {
namespace {

/// Tensors of D doubles in a snapshot: both buffers, second moment, and what entered last.
constexpr int64_t snapshot_tensors = 5;

int64_t scalars_of(const RecordedRun& run) {
  int64_t count = 0;
  for (const RunParameter& parameter : run.description().parameters) {
    int64_t elements = 1;
    for (const int64_t size : parameter.shape) elements *= size;
    count += elements;
  }
  return count;
}

}  // namespace

int64_t stretch_of(int64_t steps, int64_t parameters, int64_t memory) {
  const auto bytes = [&](int64_t stretch) {
    const int64_t snapshots = (steps + stretch - 1) / stretch - 1;
    return (stretch + snapshots * snapshot_tensors) * parameters * int64_t{sizeof(double)};
  };
  for (int64_t stretches = 1; stretches <= steps; ++stretches) {
    const int64_t stretch = (steps + stretches - 1) / stretches;
    if (bytes(stretch) <= memory) return stretch;
    if (stretch * stretch <= snapshot_tensors * steps) break;  // longer ones would need more
  }
  const auto least =
      static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(snapshot_tensors * steps))));
  return std::clamp<int64_t>(least, 1, std::max<int64_t>(steps, 1));
}

UpdateRules::UpdateRules(const RecordedRun& run, const BatchGradients& gradients, int64_t steps,
                         int64_t memory)
    : run_(run), gradients_(gradients), steps_(steps) {
  const RunDescription& description = run.description();
  needs_gradients_ = description.optimizer != OptimizerKind::sgd && !description.second_moments;
  stretch_ = stretch_of(steps, scalars_of(run), memory);
}

void UpdateRules::advance(OptimizerReplay& replay) {
  const int64_t step = replay.next_step();
  if (needs_gradients_) {
    ++gradients_made_;
    replay.advance(gradients_.of_step(step));
    return;
  }
  // Rules do not depend on gradients: any will do.
  const at::Tensor none = at::zeros({}, at::kDouble);
  std::vector<at::Tensor> stand_ins(run_.description().parameters.size());
  for (size_t i = 0; i < stand_ins.size(); ++i) {
    if (run_.stepped(step, i)) stand_ins[i] = none;
  }
  replay.advance(stand_ins);
}

void UpdateRules::lay_snapshots() {
  OptimizerReplay replay(run_);
  const int64_t last_begin = (steps_ - 1) / stretch_ * stretch_;
  snapshots_.push_back(replay);
  while (replay.next_step() < last_begin) {
    advance(replay);
    if (replay.next_step() % stretch_ == 0) snapshots_.push_back(replay);
  }
}

void UpdateRules::replay_stretch(int64_t stretch) {
  OptimizerReplay replay = snapshots_.at(static_cast<size_t>(stretch));
  first_ = stretch * stretch_;
  rules_.clear();
  const int64_t end = std::min(first_ + stretch_, steps_);
  while (replay.next_step() < end) {
    advance(replay);
    std::vector<UpdateRule>& rules = rules_.emplace_back();
    for (size_t i = 0; i < run_.description().parameters.size(); ++i) {
      rules.push_back(replay.rule(i));
    }
  }
}

const std::vector<UpdateRule>& UpdateRules::of_step(int64_t step) {
  if (step < 0 || step >= steps_) throw std::out_of_range("no rule of step");
  if (snapshots_.empty()) lay_snapshots();
  const auto held = static_cast<int64_t>(rules_.size());
  if (step < first_ || step >= first_ + held) replay_stretch(step / stretch_);
  return rules_[static_cast<size_t>(step - first_)];
}

}  // namespace explaind
