#include "optimizer_steps/run_directions.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace explaind {
namespace {

bool contains(const std::vector<Part>& parts, Part part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

void subtract(StoredSum& from, const StoredSum& what) {
  for (const Term& term : what) from.push_back({.values = term.values, .factor = -term.factor});
}

}  // namespace

RunDirections::RunDirections(RecordedRun run, std::vector<Part> parts)
    : run_(std::move(run)), parts_(std::move(parts)) {
  const bool rounding = contains(parts_, Part::rounding);
  keeps_data_ = rounding || contains(parts_, Part::data);
  keeps_decay_ = run_.description().optimizer != OptimizerKind::adamw &&
                 (rounding || contains(parts_, Part::decay));
}

bool RunDirections::needs_gradients() const {
  const RunDescription& description = run_.description();
  return keeps_data_ || (keeps_decay_ && description.optimizer == OptimizerKind::adam &&
                         !description.second_moments);
}

StepFile::Layout RunDirections::layout(Dtype type) const {
  StepFile::Layout layout;
  for (const RunParameter& parameter : run_.description().parameters) {
    layout.parameters.push_back({parameter.name, parameter.shape});
  }
  layout.has_end = false;
  layout.part = type;
  layout.parts = (keeps_data_ ? 1 : 0) + (keeps_decay_ ? 1 : 0);
  return layout;
}

void RunDirections::write(const OptimizerReplay& replay, const StepFile& file) const {
  for (size_t p = 0; p < run_.description().parameters.size(); ++p) {
    const SplitUpdate parts = replay.parts(p);
    if (keeps_data_) file.mutable_part(0, p).copy_(parts.data);
    if (keeps_decay_) file.mutable_part(keeps_data_ ? 1 : 0, p).copy_(parts.decay);
  }
}

void RunDirections::set_files(std::map<int64_t, std::shared_ptr<const StepFile>> files) {
  files_ = std::move(files);
}

std::vector<StoredSum> RunDirections::between(const PointPair& pair, ParameterId parameter) const {
  const auto id = static_cast<size_t>(parameter);
  std::vector<StoredSum> directions;
  for (const Part part : parts_) {
    if (part == Part::data) {
      directions.push_back(stored(pair, id, 0));
    } else if (part == Part::decay) {
      directions.push_back(decay(pair, id));
    } else {
      StoredSum left{{.values = run_.parameter(static_cast<int64_t>(pair.to), id), .factor = 1},
                     {.values = run_.parameter(static_cast<int64_t>(pair.from), id), .factor = -1}};
      subtract(left, stored(pair, id, 0));
      subtract(left, decay(pair, id));
      directions.push_back(std::move(left));
    }
  }
  return directions;
}

StoredSum RunDirections::decay(const PointPair& pair, size_t parameter) const {
  if (keeps_decay_) return stored(pair, parameter, keeps_data_ ? 1 : 0);
  const auto group = static_cast<size_t>(run_.description().parameters[parameter].group);
  StoredSum sum;
  for (auto step = static_cast<int64_t>(pair.from); step < static_cast<int64_t>(pair.to); ++step) {
    const Hyperparameters h = run_.hyperparameters(step, group);
    if (h.weight_decay == 0 || !run_.stepped(step, parameter)) continue;
    sum.push_back(
        {.values = run_.parameter(step, parameter), .factor = -h.learning_rate * h.weight_decay});
  }
  return sum;
}

StoredSum RunDirections::stored(const PointPair& pair, size_t parameter, int64_t array) const {
  StoredSum sum;
  for (auto step = static_cast<int64_t>(pair.from);
       !files_.empty() && step < static_cast<int64_t>(pair.to); ++step) {
    sum.push_back({.values = files_.at(step)->part(array, parameter)});
  }
  return sum;
}

}  // namespace explaind
