#include "decomposition/trajectory.hpp"

#include <utility>

namespace explaind {

CheckpointTrajectory::CheckpointTrajectory(CheckpointSeries series, const Network& network)
    : series_(std::move(series)) {
  for (size_t i = 0; i < series_.size(); ++i) {
    const Checkpoint& checkpoint = series_.checkpoint(i);
    require_parameters(network, checkpoint.tensors(), checkpoint.directory().string());
  }
  for (const ParameterInfo& parameter : network.parameters()) names_.push_back(parameter.name);
}

int64_t CheckpointTrajectory::segments() const { return static_cast<int64_t>(series_.size()) - 1; }

int64_t CheckpointTrajectory::step_from(int64_t segment) const {
  return series_.step(static_cast<size_t>(segment));
}

int64_t CheckpointTrajectory::step_to(int64_t segment) const {
  return series_.step(static_cast<size_t>(segment) + 1);
}

Endpoints CheckpointTrajectory::endpoints(int64_t segment, ParameterId parameter) const {
  const std::string& name = names_[static_cast<size_t>(parameter)];
  return {.from = series_.checkpoint(static_cast<size_t>(segment)).tensor(name),
          .to = series_.checkpoint(static_cast<size_t>(segment) + 1).tensor(name)};
}

std::string CheckpointTrajectory::describe(int64_t segment, bool to) const {
  return series_.checkpoint(static_cast<size_t>(segment) + (to ? 1 : 0)).directory().string();
}

}  // namespace explaind
