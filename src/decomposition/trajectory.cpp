#include "decomposition/trajectory.hpp"

#include <utility>

namespace explaind {
namespace {

std::vector<CheckpointPair> neighbours(size_t checkpoints) {
  std::vector<CheckpointPair> pairs;
  for (size_t i = 0; i + 1 < checkpoints; ++i) pairs.push_back({i, i + 1});
  return pairs;
}

}  // namespace

CheckpointTrajectory::CheckpointTrajectory(CheckpointSeries series, const Network& network)
    : CheckpointTrajectory(series, network, neighbours(series.size())) {}

CheckpointTrajectory::CheckpointTrajectory(CheckpointSeries series, const Network& network,
                                           std::vector<CheckpointPair> pairs)
    : series_(std::move(series)), pairs_(std::move(pairs)) {
  for (size_t i = 0; i < series_.size(); ++i) {
    const Checkpoint& checkpoint = series_.checkpoint(i);
    require_parameters(network, checkpoint.tensors(), checkpoint.directory().string());
  }
  for (const ParameterInfo& parameter : network.parameters()) names_.push_back(parameter.name);
}

int64_t CheckpointTrajectory::segments() const { return static_cast<int64_t>(pairs_.size()); }

int64_t CheckpointTrajectory::step_from(int64_t segment) const {
  return series_.step(place(segment, false));
}

int64_t CheckpointTrajectory::step_to(int64_t segment) const {
  return series_.step(place(segment, true));
}

Endpoints CheckpointTrajectory::endpoints(int64_t segment, ParameterId parameter) const {
  const std::string& name = names_[static_cast<size_t>(parameter)];
  return {.from = series_.checkpoint(place(segment, false)).tensor(name),
          .to = series_.checkpoint(place(segment, true)).tensor(name)};
}

std::string CheckpointTrajectory::describe(int64_t segment, bool to) const {
  return series_.checkpoint(place(segment, to)).directory().string();
}

}  // namespace explaind
