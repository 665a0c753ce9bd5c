#include "model/ops.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <tuple>

namespace explaind {

at::Tensor Ops::activation(const at::Tensor& x, Activation function) const {
  switch (function) {
    case Activation::gelu:
      return at::gelu(x);
    case Activation::silu:
      return at::silu(x);
    default:
      return at::relu(x);
  }
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

// On CUDA devices the backward passes of LibTorch's pooling add in no fixed order (and are refused
// where determinism is asked for), though windows do not overlap here. The maximum along an axis
// remembers the place of the one value that its gradient goes to.

at::Tensor Ops::max_pool2d(const at::Tensor& x, int64_t size) const {
  if (x.is_cpu()) return at::max_pool2d(x, {size, size});
  const int64_t rows = x.size(2) / size, columns = x.size(3) / size;
  const at::Tensor windows = x.narrow(2, 0, rows * size)
                                 .narrow(3, 0, columns * size)
                                 .reshape({x.size(0), x.size(1), rows, size, columns, size})
                                 .transpose(3, 4)
                                 .flatten(-2);  // B C rows columns size²
  return std::get<0>(windows.max(-1));
}

at::Tensor Ops::max_over_image(const at::Tensor& x) const {
  if (x.is_cpu()) return std::get<0>(at::adaptive_max_pool2d(x, {1, 1})).flatten(1);
  return std::get<0>(x.flatten(-2).max(-1));
}

}  // namespace explaind
