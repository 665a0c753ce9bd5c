#include "model/plain_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/convolution.hpp"
#include "tensors/product.hpp"

namespace explaind {

at::Tensor PlainOps::linear(const at::Tensor& x, const LinearMap& map) {
  return affine(x, out_in(weight_of(map.weight), map.columns_are_outputs),
                map.bias == no_parameter ? at::Tensor() : weight_of(map.bias));
}

at::Tensor PlainOps::embedding(const at::Tensor& ids, ParameterId weight) {
  return at::embedding(weight_of(weight), ids);
}

at::Tensor PlainOps::rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) {
  const at::Tensor scale = at::rsqrt(x.square().mean(-1, /*keepdim=*/true) + epsilon);
  if (gain.parameter == no_parameter) return x * scale;
  const at::Tensor& weight = weight_of(gain.parameter);
  return x * scale * (gain.offset == 0 ? weight : weight + gain.offset);
}

at::Tensor PlainOps::shift(const at::Tensor& x, ParameterId bias) { return x + weight_of(bias); }

at::Tensor PlainOps::softplus_scale(const at::Tensor& x, ParameterId weight, double offset) {
  return x * (at::softplus(weight_of(weight)) + offset);
}

at::Tensor PlainOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                            int64_t stride, int64_t padding) {
  const at::Tensor y = convolution(x, weight_of(weight), stride, padding);
  return bias == no_parameter ? y : y + weight_of(bias).view({1, -1, 1, 1});
}

}  // namespace explaind
