#pragma once
// Weight gradients of a training batch, block by block.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "checkpoint/tensor_view.hpp"
#include "model/network.hpp"
#include "samples/batch.hpp"
#include "tensors/device.hpp"

namespace explaind {

/// Σ_k w_k ∇_θ ℓ(x_k; θ), ℓ a sample's summed loss in nats, the z-loss ζ (log Σ exp logits)² of
/// each predicted token included, by ordinary backward passes with weight gradients: independent of
/// engine A. One block's weights and gradients are in memory at a time, and one activation a block
/// boundary of one micro-batch. Not collective.
class BlockwiseGradient {
 public:
  using Weights = std::function<TensorView(ParameterId)>;

  /// weights: θ as stored. type: of all arithmetic, fp32 or fp64. z_loss: ζ.
  BlockwiseGradient(const Network& network, Weights weights, at::ScalarType type,
                    const Device& device, double z_loss = 0)
      : network_(network),
        weights_(std::move(weights)),
        type_(type),
        device_(device),
        z_loss_(z_loss) {}

  /// Adds the gradient of one micro-batch, whose weights are the w_k, to one tensor per parameter,
  /// on the host and of this type.
  void add(const MicroBatch& batch, std::vector<at::Tensor>& gradients) const;

 private:
  [[nodiscard]] at::Tensor weight(ParameterId parameter) const;
  [[nodiscard]] at::Tensor rows(ParameterId parameter, int64_t first, int64_t count) const;
  /// ∂/∂hidden of the batch's loss; adds the unembedding's gradient. hidden: B T C.
  [[nodiscard]] at::Tensor head(const MicroBatch& batch, const at::Tensor& hidden,
                                at::Tensor& gradient) const;

  const Network& network_;
  Weights weights_;
  at::ScalarType type_;
  Device device_;
  double z_loss_;
};

}  // namespace explaind
