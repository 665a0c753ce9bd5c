#pragma once
// A trajectory of tensors in memory, for tests.

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

#include "path/trajectory.hpp"

namespace explaind::testing {

class MemoryTrajectory final : public Trajectory {
 public:
  /// points[s][p]: parameter p at point s; fp32, fp64 or bf16, contiguous.
  explicit MemoryTrajectory(std::vector<std::vector<at::Tensor>> points)
      : points_(std::move(points)) {}

  [[nodiscard]] int64_t segments() const override {
    return static_cast<int64_t>(points_.size()) - 1;
  }
  [[nodiscard]] int64_t step_from(int64_t segment) const override { return segment; }
  [[nodiscard]] int64_t step_to(int64_t segment) const override { return segment + 1; }
  [[nodiscard]] Endpoints endpoints(int64_t segment, ParameterId parameter) const override {
    return {.from = view(segment, parameter), .to = view(segment + 1, parameter)};
  }
  [[nodiscard]] std::string describe(int64_t segment, bool to) const override {
    return "point " + std::to_string(segment + (to ? 1 : 0));
  }

 private:
  [[nodiscard]] TensorView view(int64_t point, ParameterId parameter) const {
    const at::Tensor& tensor = points_[static_cast<size_t>(point)][static_cast<size_t>(parameter)];
    const Dtype dtype = tensor.scalar_type() == at::kDouble     ? Dtype::f64
                        : tensor.scalar_type() == at::kBFloat16 ? Dtype::bf16
                                                                : Dtype::f32;
    return {.name = "parameter " + std::to_string(parameter),
            .dtype = dtype,
            .shape = tensor.sizes().vec(),
            .data = static_cast<const std::byte*>(tensor.const_data_ptr()),
            .bytes = tensor.nbytes()};
  }
  std::vector<std::vector<at::Tensor>> points_;
};

}  // namespace explaind::testing
