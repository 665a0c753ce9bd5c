#pragma once
// The operations and nothing else: values, and gradients where the weights ask for them (training).

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "model/ops.hpp"

namespace explaind {

class PlainOps : public Ops {
 public:
  /// One tensor per parameter of the network, in its order.
  explicit PlainOps(std::vector<at::Tensor> weights) : weights_(std::move(weights)) {}

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
  std::vector<at::Tensor> weights_;
};

}  // namespace explaind
