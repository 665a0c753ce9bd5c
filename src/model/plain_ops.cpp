#include "model/plain_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/convolution.hpp"
#include "tensors/product.hpp"

namespace explaind {

at::Tensor PlainOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  return affine(x, weight_of(weight), bias == no_parameter ? at::Tensor() : weight_of(bias));
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
  const at::Tensor y = convolution(x, weight_of(weight), stride, padding);
  return bias == no_parameter ? y : y + weight_of(bias).view({1, -1, 1, 1});
}

}  // namespace explaind
