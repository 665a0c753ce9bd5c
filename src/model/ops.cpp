#include "model/ops.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <tuple>

namespace explaind {

at::Tensor Ops::activation(const at::Tensor& x, Activation function) const {
  switch (function) {
    case Activation::gelu:
      return at::gelu(x);
    case Activation::silu:
      return at::silu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::tanh:
      return at::tanh(x);
    case Activation::sigmoid:
      return at::sigmoid(x);
    default:
      return at::relu(x);
  }
}

at::Tensor Ops::leaky_relu(const at::Tensor& x, double slope) const {
  return at::leaky_relu(x, slope);
}

at::Tensor Ops::add(const at::Tensor& a, const at::Tensor& b) const { return a + b; }

at::Tensor Ops::multiply(const at::Tensor& a, const at::Tensor& b) const { return a * b; }

at::Tensor Ops::attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          bool causal) const {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const bool grouped = q.size(1) != k.size(1);
  return at::scaled_dot_product_attention(q, k, v, /*attn_mask=*/{}, /*dropout_p=*/0.0, causal,
                                          scale, /*enable_gqa=*/grouped);
}

// On CUDA devices the backward passes of LibTorch's pooling add in no fixed order, and are refused
// where determinism is asked for. The maximum along an axis remembers the place of the one value
// that its gradient goes to, and windows add their gradients in a fixed order.

at::Tensor Ops::max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                           int64_t padding) const {
  if (x.is_cpu()) return at::max_pool2d(x, {size, size}, {stride, stride}, {padding, padding});
  constexpr double nothing = -std::numeric_limits<double>::infinity();
  const at::Tensor padded =
      padding == 0 ? x : at::constant_pad_nd(x, {padding, padding, padding, padding}, nothing);
  const at::Tensor windows =  // B C rows columns size²
      padded.unfold(2, size, stride).unfold(3, size, stride).flatten(-2);
  return std::get<0>(windows.max(-1));
}

at::Tensor Ops::max_over_image(const at::Tensor& x) const {
  if (x.is_cpu()) return std::get<0>(at::adaptive_max_pool2d(x, {1, 1})).flatten(1);
  return std::get<0>(x.flatten(-2).max(-1));
}

}  // namespace explaind
