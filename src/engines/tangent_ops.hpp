#pragma once
// Engine C: forward mode. Directional derivatives of all outputs, for several components at once.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/ops.hpp"

namespace explaind {

/// Directions in parameter space, C P: one tensor per component and parameter, of the parameter's
/// shape and type; undefined where a component does not touch the parameter.
using Directions = std::vector<std::vector<at::Tensor>>;

/// Operations whose activations carry tangents (method.md §5, engine C). An activation has (1 + n)
/// B rows along its first axis: B samples, and below them n blocks of B rows, each the derivative
/// of the samples' rows along one component. Products with W are then one product for the samples
/// and all components, and what is linear and treats rows alike needs no tangent of its own. A
/// component has a block from the first operation on that it touches: what lies before costs
/// nothing.
///
/// Explicit tangents, because LibTorch's dual tensors would compute the samples' rows again for
/// every component, and have no derivative of the fused attention.
class TangentOps final : public Ops {
 public:
  /// One tensor per parameter. samples: B of what forward() is called with, the same for one
  /// TangentOps.
  TangentOps(std::vector<at::Tensor> weights, Directions directions, int64_t samples);

  /// The samples' rows of an activation: B ….
  [[nodiscard]] at::Tensor values(const at::Tensor& y) const;
  /// Its derivatives in the order of the components, zero where none reaches it: C B ….
  [[nodiscard]] at::Tensor derivatives(const at::Tensor& y) const;

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override;
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override;
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override;
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override;
  [[nodiscard]] at::Tensor activation(const at::Tensor& x, Activation function) const override;
  [[nodiscard]] at::Tensor leaky_relu(const at::Tensor& x, double slope) const override;
  [[nodiscard]] at::Tensor add(const at::Tensor& a, const at::Tensor& b) const override;
  [[nodiscard]] at::Tensor multiply(const at::Tensor& a, const at::Tensor& b) const override;
  [[nodiscard]] at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const AttentionRule& rule) const override;
  [[nodiscard]] at::Tensor clamp(const at::Tensor& x, double limit) const override;
  [[nodiscard]] at::Tensor soft_cap(const at::Tensor& x, double cap) const override;
  [[nodiscard]] at::Tensor max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                                      int64_t padding) const override;
  [[nodiscard]] at::Tensor max_over_image(const at::Tensor& x) const override;

 private:
  /// A component's own share in the derivative of an operation's output: its direction moves the
  /// parameter.
  struct OwnShare {
    size_t component = 0;
    at::Tensor rows;  ///< B …
  };

  [[nodiscard]] const at::Tensor& weight_of(ParameterId id) const {
    return weights_[static_cast<size_t>(id)];
  }
  /// Undefined where the component does not touch the parameter, or there is none.
  [[nodiscard]] at::Tensor direction_of(size_t component, ParameterId id) const;
  /// n of an activation.
  [[nodiscard]] int64_t blocks(const at::Tensor& x) const { return x.size(0) / samples_ - 1; }
  /// Its n blocks: n B ….
  [[nodiscard]] at::Tensor tangents(const at::Tensor& x) const;
  [[nodiscard]] at::Tensor block(const at::Tensor& x, int64_t index) const;
  /// Tangents as `count` blocks, the missing ones zero.
  [[nodiscard]] at::Tensor padded(const at::Tensor& x, int64_t count) const;
  /// B … over n B …, as an activation. derivatives: n B …; undefined: none.
  [[nodiscard]] at::Tensor stacked(const at::Tensor& values, const at::Tensor& derivatives) const;
  /// Adds own shares to the blocks of their components, which get one where they have none yet.
  [[nodiscard]] at::Tensor with_shares(at::Tensor y, const std::vector<OwnShare>& shares);
  /// Place of a component among the blocks.
  int64_t place(size_t component);

  std::vector<at::Tensor> weights_;
  Directions directions_;
  int64_t samples_;
  std::vector<size_t> begun_;  ///< components in the order of their blocks
};

}  // namespace explaind
