#pragma once
// The path of the parameters: a chain of straight segments between stored endpoints.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"
#include "model/ops.hpp"
#include "path/path.hpp"

namespace explaind {

/// A stored tensor, multiplied.
struct Term {
  TensorView values;
  double factor = 1;
};

/// Stored tensors of one shape, added up; none: zero.
using StoredSum = std::vector<Term>;

/// Both ends of one parameter on one segment, as stored.
struct Endpoints {
  TensorView from, to;
  std::vector<StoredSum> directions = {};  ///< what Δ is made of, where the trajectory knows it
};

/// Segment s runs from θ_s to θ_{s+1}: θ_s(t) = θ_s + tΔ_s, t in [0, 1] (method.md §1).
class Trajectory {
 public:
  virtual ~Trajectory() = default;
  [[nodiscard]] virtual int64_t segments() const = 0;
  [[nodiscard]] virtual int64_t step_from(int64_t segment) const = 0;
  [[nodiscard]] virtual int64_t step_to(int64_t segment) const = 0;
  /// Views into mapped files, valid as long as the trajectory.
  [[nodiscard]] virtual Endpoints endpoints(int64_t segment, ParameterId parameter) const = 0;
  /// Parts of Δ that are told apart: each has scores of its own.
  [[nodiscard]] virtual int64_t directions() const { return 0; }
  /// The names of the two ends, for messages.
  [[nodiscard]] virtual std::string describe(int64_t segment, bool to) const = 0;
  /// A number for each end of a segment: the same one for the same values.
  [[nodiscard]] virtual int64_t point(int64_t segment, bool to) const {
    return segment + (to ? 1 : 0);
  }
};

/// A segment of a path: from one point, by its place, straight to a later one.
struct PointPair {
  size_t from = 0, to = 0;
  bool operator==(const PointPair&) const = default;
};

/// Which segments of a trajectory, its pieces, are added up to one of a run.
struct PieceRange {
  int64_t first = 0, last = 0;  ///< [first, last)
};

/// The segments between neighbours of so many points.
std::vector<PointPair> neighbours(size_t points);

/// The pairs without what lies across a cut, which is the first point of another network: what is
/// before it and what is after stay, as pairs of their own where they have two points.
std::vector<PointPair> cut_pairs(const std::vector<PointPair>& pairs,
                                 const std::vector<size_t>& cuts);

/// What the way between two points of a path is made of: the directions of its segment.
class PathDirections {
 public:
  virtual ~PathDirections() = default;
  [[nodiscard]] virtual int64_t count() const = 0;
  /// count() of them, parts of θ(to) − θ(from). Views are valid as long as this.
  [[nodiscard]] virtual std::vector<StoredSum> between(const PointPair& pair,
                                                       ParameterId parameter) const = 0;
};

/// Segments between points of a path: neighbouring ones, or the pairs given.
class PathTrajectory final : public Trajectory {
 public:
  explicit PathTrajectory(std::shared_ptr<const Path> path);
  /// directions: where given, what the segments are made of.
  PathTrajectory(std::shared_ptr<const Path> path, std::vector<PointPair> pairs,
                 std::shared_ptr<const PathDirections> directions = nullptr);

  [[nodiscard]] int64_t segments() const override;
  [[nodiscard]] int64_t step_from(int64_t segment) const override;
  [[nodiscard]] int64_t step_to(int64_t segment) const override;
  [[nodiscard]] Endpoints endpoints(int64_t segment, ParameterId parameter) const override;
  [[nodiscard]] int64_t directions() const override {
    return directions_ ? directions_->count() : 0;
  }
  [[nodiscard]] std::string describe(int64_t segment, bool to) const override;
  [[nodiscard]] int64_t point(int64_t segment, bool to) const override {
    return static_cast<int64_t>(place(segment, to));
  }

 private:
  [[nodiscard]] size_t place(int64_t segment, bool to) const {
    const PointPair& pair = pairs_[static_cast<size_t>(segment)];
    return to ? pair.to : pair.from;
  }

  std::shared_ptr<const Path> path_;
  std::vector<PointPair> pairs_;
  std::shared_ptr<const PathDirections> directions_;
};

}  // namespace explaind
