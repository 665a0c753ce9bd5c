#include "model/plain_ops.hpp"

#include <ATen/ATen.h>

#include <optional>

namespace explaind {

at::Tensor PlainOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  const std::optional<at::Tensor> shift =
      bias == no_parameter ? std::nullopt : std::optional(weight_of(bias));
  return at::linear(x, weight_of(weight), shift);
}

at::Tensor PlainOps::embedding(const at::Tensor& ids, ParameterId weight) {
  return at::embedding(weight_of(weight), ids);
}

at::Tensor PlainOps::rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) {
  const at::Tensor scale = at::rsqrt(x.square().mean(-1, /*keepdim=*/true) + epsilon);
  return x * scale * weight_of(gain);
}

at::Tensor PlainOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                            int64_t stride, int64_t padding) {
  const std::optional<at::Tensor> shift =
      bias == no_parameter ? std::nullopt : std::optional(weight_of(bias));
  return at::conv2d(x, weight_of(weight), shift, {stride, stride}, {padding, padding});
}

}  // namespace explaind
