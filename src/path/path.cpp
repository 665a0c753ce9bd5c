#include "path/path.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {

std::vector<int64_t> steps_of(const Path& path) {
  std::vector<int64_t> steps;
  for (size_t i = 0; i < path.size(); ++i) steps.push_back(path.step(i));
  return steps;
}

// ── a series of checkpoints ─────────────────────────────────────────────────────────────────────

CheckpointPath::CheckpointPath(CheckpointSeries series,
                               const std::vector<ParameterInfo>& parameters)
    : series_(std::move(series)), held_(series_.size()) {
  for (const ParameterInfo& parameter : parameters) {
    names_.push_back(parameter.name);
    const auto has = [&](size_t point) {
      return series_.checkpoint(point).tensors().contains(parameter.name);
    };
    size_t last = 0;
    while (last < series_.size() && !has(last)) ++last;
    for (size_t point = 0; point < series_.size(); ++point) {
      if (has(point)) last = point;
      held_[point].push_back(last);
    }
  }
}

TensorView CheckpointPath::tensor(size_t point, ParameterId parameter) const {
  const auto id = static_cast<size_t>(parameter);
  return series_.checkpoint(held_[point][id]).tensor(names_[id]);
}

std::string CheckpointPath::describe(size_t point) const {
  return series_.checkpoint(point).directory().string();
}

// ── a recorded run ──────────────────────────────────────────────────────────────────────────────

RunPath::RunPath(RecordedRun run, const Model& model) : run_(std::move(run)) {
  const std::vector<RunParameter>& recorded = run_.description().parameters;
  const std::vector<ParameterInfo>& own = model.parameters();
  const std::string where = run_.directory().string();
  if (recorded.size() != own.size()) {
    throw DataError(where,
                    fmt::format("has {} parameters, its model has {}", recorded.size(), own.size()),
                    "Record every parameter of the model, in its order");
  }
  for (size_t i = 0; i < own.size(); ++i) {
    if (recorded[i].name == own[i].name && recorded[i].shape == own[i].shape) continue;
    throw DataError(
        where,
        fmt::format("parameter {} is {} {}, its model has {} {} there", i, recorded[i].name,
                    shape_to_string(recorded[i].shape), own[i].name, shape_to_string(own[i].shape)),
        "Record every parameter of the model, in its order");
  }
}

TensorView RunPath::tensor(size_t point, ParameterId parameter) const {
  return run_.parameter(static_cast<int64_t>(point), static_cast<size_t>(parameter));
}

std::string RunPath::describe(size_t point) const {
  return run_.directory().string() + ", after " + counted(point, "step");
}

}  // namespace explaind
