#include "model/resnet9.hpp"

#include <ATen/ATen.h>

namespace explaind {
namespace {

/// Keeps logits of a network without normalisation in range.
constexpr double output_scale = 0.2;

}  // namespace

Resnet9::Resnet9(const Resnet9Config& config) : config_(config) {
  const int64_t w = config.width;
  int layer = 0;
  const auto convolution = [&](const std::string& name, int64_t out, int64_t in, int64_t kernel) {
    return add_convolution(name, layer++, out, in, kernel);
  };
  const auto residual = [&](const std::string& name, int64_t channels) {
    const ParameterId first = convolution(name + ".conv1", channels, channels, 3);
    return Residual{first, convolution(name + ".conv2", channels, channels, 3)};
  };
  stem_ = convolution("conv1", w, config.channels, 3);
  down_ = convolution("conv2", 2 * w, w, 5);
  residual1_ = residual("residual1", 2 * w);
  wide_ = convolution("conv3", 4 * w, 2 * w, 3);
  residual2_ = residual("residual2", 4 * w);
  narrow_ = convolution("conv4", 2 * w, 4 * w, 3);
  out_ = add_linear({.name = "linear",
                     .shape = {},
                     .layer = layer,
                     .layer_name = "linear",
                     .kind = "unembedding"},
                    config.classes, 2 * w, false);
}

at::Tensor Resnet9::convolve(const at::Tensor& x, ParameterId weight, int64_t stride,
                             int64_t padding, Ops& ops) const {
  return ops.activation(ops.conv2d(x, weight, no_parameter, stride, padding), config_.activation);
}

at::Tensor Resnet9::residual(const at::Tensor& x, const Residual& block, Ops& ops) const {
  const at::Tensor inner = convolve(x, block.first, 1, 1, ops);
  return ops.add(x, convolve(inner, block.second, 1, 1, ops));
}

at::Tensor Resnet9::forward(const at::Tensor& input, Ops& ops) const {
  at::Tensor x = convolve(input, stem_, 1, 1, ops);  // B w H W
  x = convolve(x, down_, 2, 2, ops);                 // B 2w H/2 W/2
  x = convolve(residual(x, residual1_, ops), wide_, 1, 1, ops);
  x = residual(ops.max_pool2d(x, 2, 2, 0), residual2_, ops);  // B 4w H/4 W/4
  x = ops.max_over_image(convolve(x, narrow_, 1, 0, ops));
  // One position a sample: B 1 2w.
  return ops.linear(x.unsqueeze(1), {out_.weight}).select(1, 0) * output_scale;
}

}  // namespace explaind
