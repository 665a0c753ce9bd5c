#include "model/cnn.hpp"

#include <ATen/ATen.h>

namespace explaind {

Cnn::Cnn(const CnnConfig& config) : config_(config) {
  conv1_ = add_convolution("conv1", 0, config.filters1, config.channels, 3);
  conv2_ = add_convolution("conv2", 1, config.filters2, config.filters1, 3);
  const int64_t features = config.filters2 * (config.height / 4) * (config.width / 4);
  hidden_ = add_linear(
      {.name = "linear1", .shape = {}, .layer = 2, .layer_name = "linear1", .kind = "mlp"},
      config.hidden, features, true);
  out_ = add_linear(
      {.name = "linear2", .shape = {}, .layer = 3, .layer_name = "linear2", .kind = "unembedding"},
      config.classes, config.hidden, true);
}

at::Tensor Cnn::forward(const at::Tensor& input, Ops& ops) const {
  const auto convolve = [&](const at::Tensor& x, ParameterId weight) {
    return ops.max_pool2d(
        ops.activation(ops.conv2d(x, weight, no_parameter, 1, 1), config_.activation), 2, 2, 0);
  };
  const at::Tensor features = convolve(convolve(input, conv1_), conv2_);
  // One position a sample: B 1 features.
  const at::Tensor hidden =
      ops.activation(ops.linear(features.flatten(1).unsqueeze(1), hidden_), config_.activation);
  return ops.linear(hidden, out_).select(1, 0);
}

}  // namespace explaind
