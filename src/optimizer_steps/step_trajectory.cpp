#include "optimizer_steps/step_trajectory.hpp"

#include <utility>

namespace explaind {

StepTrajectory::StepTrajectory(std::shared_ptr<const Path> path, int64_t directions,
                               std::vector<std::shared_ptr<const StepFile>> files)
    : path_(std::move(path)), directions_(directions), files_(std::move(files)) {}

Endpoints StepTrajectory::endpoints(int64_t segment, ParameterId parameter) const {
  const auto place = static_cast<size_t>(segment), id = static_cast<size_t>(parameter);
  Endpoints ends{.from = path_->tensor(place, parameter), .to = {}};
  if (files_.empty()) {  // only its shape and type are of interest yet
    ends.to = ends.from;
    ends.directions.assign(static_cast<size_t>(directions_), {{.values = ends.from}});
    return ends;
  }
  ends.to = files_[place]->end(id);
  for (int64_t i = 0; i < directions_; ++i) {
    ends.directions.push_back({{.values = files_[place]->part(i, id)}});
  }
  return ends;
}

std::string StepTrajectory::describe(int64_t segment, bool to) const {
  const std::string from = path_->describe(static_cast<size_t>(segment));
  return to ? from + ", one step later" : from;
}

}  // namespace explaind
