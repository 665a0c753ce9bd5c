#pragma once
// One optimizer step at each checkpoint of a series: segments that lie apart.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "optimizer_steps/step_file.hpp"
#include "path/path.hpp"
#include "path/trajectory.hpp"

namespace explaind {

/// Segment s runs from checkpoint s straight to θ', one step later; its directions are the parts of
/// the step.
class StepTrajectory final : public Trajectory {
 public:
  /// files: one per point of the path, or none yet: endpoints may be asked for only where they are.
  StepTrajectory(std::shared_ptr<const Path> path, int64_t directions,
                 std::vector<std::shared_ptr<const StepFile>> files);

  [[nodiscard]] int64_t segments() const override { return static_cast<int64_t>(path_->size()); }
  [[nodiscard]] int64_t step_from(int64_t segment) const override {
    return path_->step(static_cast<size_t>(segment));
  }
  [[nodiscard]] int64_t step_to(int64_t segment) const override { return step_from(segment) + 1; }
  [[nodiscard]] Endpoints endpoints(int64_t segment, ParameterId parameter) const override;
  [[nodiscard]] int64_t directions() const override { return directions_; }
  [[nodiscard]] std::string describe(int64_t segment, bool to) const override;
  [[nodiscard]] int64_t point(int64_t segment, bool to) const override {
    return 2 * segment + (to ? 1 : 0);
  }

 private:
  std::shared_ptr<const Path> path_;
  int64_t directions_;
  std::vector<std::shared_ptr<const StepFile>> files_;
};

}  // namespace explaind
