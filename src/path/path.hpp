#pragma once
// The points of a path through parameter space at which the weights are stored.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "checkpoint/tensor_view.hpp"
#include "model/network.hpp"
#include "runs/recorded_run.hpp"

namespace explaind {

/// θ at N + 1 points, ascending in training step.
class Path {
 public:
  virtual ~Path() = default;
  [[nodiscard]] virtual size_t size() const = 0;
  [[nodiscard]] virtual int64_t step(size_t point) const = 0;
  /// A view into a mapped file, valid as long as the path.
  [[nodiscard]] virtual TensorView tensor(size_t point, ParameterId parameter) const = 0;
  /// What the point is called in messages.
  [[nodiscard]] virtual std::string describe(size_t point) const = 0;
};

/// The checkpoints of a series. A parameter that a checkpoint's network does not have stands still
/// there: its values are those of the last checkpoint before that has it, else of the first after.
class CheckpointPath final : public Path {
 public:
  /// parameters: of all networks of the series. The checkpoints' tensors are those of their
  /// networks.
  CheckpointPath(CheckpointSeries series, const std::vector<ParameterInfo>& parameters);

  [[nodiscard]] size_t size() const override { return series_.size(); }
  [[nodiscard]] int64_t step(size_t point) const override { return series_.step(point); }
  [[nodiscard]] TensorView tensor(size_t point, ParameterId parameter) const override;
  [[nodiscard]] std::string describe(size_t point) const override;

 private:
  CheckpointSeries series_;
  std::vector<std::string> names_;         ///< per parameter
  std::vector<std::vector<size_t>> held_;  ///< point, parameter: the checkpoint that holds it
};

/// θ_0 … θ_N of a recorded run, a point a step: its segments are the optimizer's own updates.
class RunPath final : public Path {
 public:
  /// Throws DataError where the run's parameters are not the model's, in its order.
  RunPath(RecordedRun run, const Model& model);

  [[nodiscard]] size_t size() const override { return static_cast<size_t>(run_.steps()) + 1; }
  [[nodiscard]] int64_t step(size_t point) const override { return static_cast<int64_t>(point); }
  [[nodiscard]] TensorView tensor(size_t point, ParameterId parameter) const override;
  [[nodiscard]] std::string describe(size_t point) const override;

 private:
  RecordedRun run_;
};

/// The steps of all points: N + 1.
std::vector<int64_t> steps_of(const Path& path);

}  // namespace explaind
