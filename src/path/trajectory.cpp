#include "path/trajectory.hpp"

#include <utility>

namespace explaind {

std::vector<PointPair> neighbours(size_t points) {
  std::vector<PointPair> pairs;
  for (size_t i = 0; i + 1 < points; ++i) pairs.push_back({i, i + 1});
  return pairs;
}

std::vector<PointPair> cut_pairs(const std::vector<PointPair>& pairs,
                                 const std::vector<size_t>& cuts) {
  std::vector<PointPair> whole;
  for (const PointPair& pair : pairs) {
    size_t from = pair.from;
    for (const size_t cut : cuts) {
      if (cut <= from || cut > pair.to) continue;
      if (cut - 1 > from) whole.push_back({from, cut - 1});
      from = cut;
    }
    if (pair.to > from) whole.push_back({from, pair.to});
  }
  return whole;
}

PathTrajectory::PathTrajectory(std::shared_ptr<const Path> path)
    : path_(std::move(path)), pairs_(neighbours(path_->size())) {}

PathTrajectory::PathTrajectory(std::shared_ptr<const Path> path, std::vector<PointPair> pairs,
                               std::shared_ptr<const PathDirections> directions)
    : path_(std::move(path)), pairs_(std::move(pairs)), directions_(std::move(directions)) {}

int64_t PathTrajectory::segments() const { return static_cast<int64_t>(pairs_.size()); }

int64_t PathTrajectory::step_from(int64_t segment) const {
  return path_->step(place(segment, false));
}

int64_t PathTrajectory::step_to(int64_t segment) const { return path_->step(place(segment, true)); }

Endpoints PathTrajectory::endpoints(int64_t segment, ParameterId parameter) const {
  Endpoints ends{.from = path_->tensor(place(segment, false), parameter),
                 .to = path_->tensor(place(segment, true), parameter)};
  if (directions_) {
    ends.directions = directions_->between(pairs_[static_cast<size_t>(segment)], parameter);
  }
  return ends;
}

std::string PathTrajectory::describe(int64_t segment, bool to) const {
  return path_->describe(place(segment, to));
}

}  // namespace explaind
