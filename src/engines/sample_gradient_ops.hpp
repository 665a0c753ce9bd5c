#pragma once
// The gradient of every sample on its own, for some rows of the parameters.
//
// Legend: B samples, T positions, R rows of a block.

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/ops.hpp"
#include "parameters/parameter_source.hpp"

namespace explaind {

/// Operations whose backward pass adds ∂F_b/∂W of every sample b for a block of parameters: one
/// product of δ and x per sample, of the rows wanted alone. Weights require no gradient. Samples
/// must not interact.
class SampleGradientOps final : public Ops {
 public:
  /// gradients: per part B × R × the rest of its shape, added
  /// to in the backward pass; all references must outlive the graph.
  SampleGradientOps(const std::vector<at::Tensor>& weights, const std::vector<ParameterRows>& block,
                    std::vector<at::Tensor>& gradients)
      : weights_(weights), block_(block), gradients_(gradients) {}

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override;
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override;
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override;
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override;

 private:
  [[nodiscard]] const at::Tensor& weight_of(ParameterId id) const {
    return weights_[static_cast<size_t>(id)];
  }
  /// Calls form(rows, gradient of the part) where the block holds rows of the parameter.
  template <typename Form>
  void in_block(ParameterId parameter, const Form& form) const {
    for (size_t i = 0; i < block_.size(); ++i) {
      if (block_[i].parameter == parameter) form(block_[i], gradients_[i]);
    }
  }

  /// Sums over all axes between samples and entries. by_position: B … C.
  void add_to_vector(ParameterId vector, const at::Tensor& by_position) const;

  const std::vector<at::Tensor>& weights_;
  const std::vector<ParameterRows>& block_;
  std::vector<at::Tensor>& gradients_;
};

}  // namespace explaind
