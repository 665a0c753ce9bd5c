#pragma once
// The path of the parameters: a chain of straight segments between stored endpoints.

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "checkpoint/tensor_view.hpp"
#include "model/network.hpp"

namespace explaind {

/// Both ends of one parameter on one segment, as stored.
struct Endpoints {
  TensorView from, to;
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
  /// The names of the two ends, for messages.
  [[nodiscard]] virtual std::string describe(int64_t segment, bool to) const = 0;
  /// A number for each end of a segment: the same one for the same values.
  [[nodiscard]] virtual int64_t point(int64_t segment, bool to) const {
    return segment + (to ? 1 : 0);
  }
};

/// A segment of a series: from one checkpoint, by its place, straight to a later one.
struct CheckpointPair {
  size_t from = 0, to = 0;
  bool operator==(const CheckpointPair&) const = default;
};

/// Segments between checkpoints of a series: neighbouring ones, or the pairs given.
class CheckpointTrajectory final : public Trajectory {
 public:
  /// Throws DataError where a checkpoint's tensors are not the network's.
  CheckpointTrajectory(CheckpointSeries series, const Network& network);
  CheckpointTrajectory(CheckpointSeries series, const Network& network,
                       std::vector<CheckpointPair> pairs);

  [[nodiscard]] int64_t segments() const override;
  [[nodiscard]] int64_t step_from(int64_t segment) const override;
  [[nodiscard]] int64_t step_to(int64_t segment) const override;
  [[nodiscard]] Endpoints endpoints(int64_t segment, ParameterId parameter) const override;
  [[nodiscard]] std::string describe(int64_t segment, bool to) const override;
  [[nodiscard]] int64_t point(int64_t segment, bool to) const override {
    const CheckpointPair& pair = pairs_[static_cast<size_t>(segment)];
    return static_cast<int64_t>(to ? pair.to : pair.from);
  }

 private:
  [[nodiscard]] size_t place(int64_t segment, bool to) const {
    return static_cast<size_t>(point(segment, to));
  }

  CheckpointSeries series_;
  std::vector<CheckpointPair> pairs_;
  std::vector<std::string> names_;  ///< per parameter
};

}  // namespace explaind
