#pragma once
// Where the weights at a node come from.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "decomposition/trajectory.hpp"
#include "model/network.hpp"

namespace explaind {

/// Both arrays of the model's size that a rank holds: W(t) and Δ, in the compute type; endpoints
/// stay in their mapped files.
class ResidentParameters {
 public:
  /// type: at::kFloat or at::kDouble. Allocates both arrays once; the trajectory must outlive this.
  ResidentParameters(const Network& network, const Trajectory& trajectory, at::ScalarType type);

  /// Forms Δ of the segment from the stored values. Throws DataError naming checkpoint, tensor and
  /// element of a weight that is not finite. A segment already loaded costs nothing.
  void load(int64_t segment);

  /// W(t) = θ + tΔ; at t = 0 and t = 1 the stored endpoints themselves (in fp32 a + (b − a) ≠ b).
  void set_node(double t);

  /// One tensor per parameter, in the network's order; overwritten in place by set_node and load.
  [[nodiscard]] const std::vector<at::Tensor>& weights() const { return weights_; }
  [[nodiscard]] const std::vector<at::Tensor>& deltas() const { return deltas_; }
  [[nodiscard]] at::ScalarType type() const { return type_; }

 private:
  const Trajectory& trajectory_;
  at::ScalarType type_;
  int64_t segment_ = -1;
  std::vector<at::Tensor> weights_, deltas_;
};

}  // namespace explaind
