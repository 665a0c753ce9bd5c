#include "model/ops.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
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
    case Activation::squared_relu:
      return at::relu(x).square();
    case Activation::negative_expm1: {
      const at::Tensor below = at::clamp_max(x, 0);
      return at::expm1(below) - below;
    }
    default:
      return each_relu(x);
  }
}

at::Tensor Ops::leaky_relu(const at::Tensor& x, double slope) const {
  return at::leaky_relu(x, slope);
}

at::Tensor Ops::add(const at::Tensor& a, const at::Tensor& b) const { return each_sum(a, b); }

at::Tensor Ops::multiply(const at::Tensor& a, const at::Tensor& b) const {
  return each_product(a, b);
}

at::Tensor Ops::clamp(const at::Tensor& x, double limit) const {
  return at::clamp(x, -limit, limit);
}

at::Tensor Ops::soft_cap(const at::Tensor& x, double cap) const { return at::tanh(x / cap) * cap; }

at::Tensor Ops::layer_norm(const at::Tensor& x, const Gain& gain, ParameterId bias,
                           double epsilon) {
  // The mean is linear and the same for all samples, so that no engine has to know of it.
  const at::Tensor y = rms_norm(each_centred(x), gain, epsilon);
  return bias == no_parameter ? y : shift(y, bias);
}

double scale_of(const AttentionRule& rule, int64_t head_size) {
  return rule.scale > 0 ? rule.scale : 1 / std::sqrt(static_cast<double>(head_size));
}

at::Tensor hidden_positions(const AttentionRule& rule, int64_t positions,
                            const at::Device& device) {
  const bool windowed = rule.window > 0 && rule.window < positions;
  if (!rule.causal && !windowed) return {};
  const at::Tensor all =
      at::ones({positions, positions}, at::TensorOptions().dtype(at::kBool).device(device));
  if (!rule.causal) return all.tril(-rule.window);
  const at::Tensor later = all.triu(1);
  return windowed ? later.logical_or(all.tril(-rule.window)) : later;
}

at::Tensor Ops::attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const AttentionRule& rule) const {
  const double scale = scale_of(rule, q.size(3));
  const bool windowed = rule.window > 0 && rule.window < q.size(2);
  if (rule.cap == 0 && !windowed) return fused_attention(q, k, v, rule.causal, scale);
  const at::Tensor hidden = hidden_positions(rule, q.size(2), q.device());
  if (rule.cap == 0) return fused_attention(q, k, v, hidden, scale);
  const int64_t shared = q.size(1) / k.size(1);  // heads of a key
  const at::Tensor keys = shared == 1 ? k : k.repeat_interleave(shared, 1);
  const at::Tensor values = shared == 1 ? v : v.repeat_interleave(shared, 1);
  // T T numbers a head: in place where the backward pass has no need of what was there.
  const at::Tensor bent = at::matmul(q, keys.transpose(2, 3)).mul_(scale / rule.cap).tanh_();
  const at::Tensor logits = bent * rule.cap;
  if (hidden.defined()) logits.masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(logits, -1), values);
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
