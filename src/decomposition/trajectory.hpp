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
};

/// The segments between neighbouring checkpoints of a series.
class CheckpointTrajectory final : public Trajectory {
 public:
  /// Throws DataError where a checkpoint's tensors are not the network's.
  CheckpointTrajectory(CheckpointSeries series, const Network& network);

  [[nodiscard]] int64_t segments() const override;
  [[nodiscard]] int64_t step_from(int64_t segment) const override;
  [[nodiscard]] int64_t step_to(int64_t segment) const override;
  [[nodiscard]] Endpoints endpoints(int64_t segment, ParameterId parameter) const override;
  [[nodiscard]] std::string describe(int64_t segment, bool to) const override;

 private:
  CheckpointSeries series_;
  std::vector<std::string> names_;  ///< per parameter
};

}  // namespace explaind
