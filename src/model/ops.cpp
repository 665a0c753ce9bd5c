#include "model/ops.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <tuple>

#include "tensors/attention.hpp"
#include "tensors/elementwise.hpp"

namespace explaind {

at::Tensor Ops::activation(const at::Tensor& x, Activation function) const {
  switch (function) {
    case Activation::gelu:
      return each_gelu(x);
    case Activation::silu:
      return each_silu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::tanh:
      return at::tanh(x);
    case Activation::sigmoid:
      return at::sigmoid(x);
    default:
      return each_relu(x);
  }
}

at::Tensor Ops::leaky_relu(const at::Tensor& x, double slope) const {
  return at::leaky_relu(x, slope);
}

at::Tensor Ops::add(const at::Tensor& a, const at::Tensor& b) const { return a + b; }

at::Tensor Ops::multiply(const at::Tensor& a, const at::Tensor& b) const {
  return each_product(a, b);
}

at::Tensor Ops::attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          bool causal) const {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  return fused_attention(q, k, v, causal, scale);
}

at::Tensor Ops::max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                           int64_t padding) const {
  return at::max_pool2d(x, {size, size}, {stride, stride}, {padding, padding});
}

at::Tensor Ops::max_over_image(const at::Tensor& x) const {
  return std::get<0>(at::adaptive_max_pool2d(x, {1, 1})).flatten(1);
}

}  // namespace explaind
