#include "engines/tangent_ops.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>
#include <utility>

#include "tensors/convolution.hpp"
#include "tensors/product.hpp"

// B samples, n components that have begun. An activation has (1 + n) B rows.

namespace explaind {
namespace {

/// f'(x).
at::Tensor slope(const at::Tensor& x, Activation function) {
  switch (function) {
    case Activation::gelu: {  // Φ(x) + x φ(x)
      const at::Tensor below = (at::erf(x * std::numbers::sqrt2 / 2) + 1) / 2;
      const double peak = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return below + x * (x * x * -0.5).exp() * peak;
    }
    case Activation::silu: {
      const at::Tensor gate = at::sigmoid(x);
      return gate * (x * (1 - gate) + 1);
    }
    case Activation::gelu_tanh: {  // x (1 + tanh u) / 2, u = √(2/π) (x + c x³)
      constexpr double cubic = 0.044715;
      const double peak = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
      const at::Tensor tanh = (x * (x * x * cubic + 1) * peak).tanh();
      const at::Tensor inner = (x * x * (3 * cubic) + 1) * peak;  // du/dx
      return (tanh + 1 + x * (1 - tanh * tanh) * inner) / 2;
    }
    case Activation::tanh: {
      const at::Tensor y = x.tanh();
      return 1 - y * y;
    }
    case Activation::sigmoid: {
      const at::Tensor y = x.sigmoid();
      return y * (1 - y);
    }
    case Activation::squared_relu:
      return at::relu(x) * 2;
    case Activation::negative_expm1:
      return at::expm1(at::clamp_max(x, 0));
    default:
      return (x > 0).to(x.scalar_type());
  }
}

/// n B … as n B …, one axis more in front.
at::Tensor by_component(const at::Tensor& tangents, int64_t samples) {
  std::vector<int64_t> shape = tangents.sizes().vec();
  shape[0] = samples;
  shape.insert(shape.begin(), -1);
  return tangents.reshape(shape);
}

at::Tensor joined(const at::Tensor& by_component) { return by_component.flatten(0, 1); }

}  // namespace

TangentOps::TangentOps(std::vector<at::Tensor> weights, Directions directions, int64_t samples)
    : weights_(std::move(weights)), directions_(std::move(directions)), samples_(samples) {}

at::Tensor TangentOps::direction_of(size_t component, ParameterId id) const {
  return id == no_parameter ? at::Tensor() : directions_[component][static_cast<size_t>(id)];
}

at::Tensor TangentOps::values(const at::Tensor& y) const { return y.narrow(0, 0, samples_); }

at::Tensor TangentOps::tangents(const at::Tensor& x) const {
  return x.narrow(0, samples_, x.size(0) - samples_);
}

at::Tensor TangentOps::block(const at::Tensor& x, int64_t index) const {
  return x.narrow(0, (1 + index) * samples_, samples_);
}

at::Tensor TangentOps::derivatives(const at::Tensor& y) const {
  std::vector<int64_t> shape = y.sizes().vec();
  shape[0] = samples_;
  shape.insert(shape.begin(), static_cast<int64_t>(directions_.size()));
  at::Tensor ordered = at::zeros(shape, y.options());
  for (int64_t i = 0; i < blocks(y); ++i) {
    ordered.select(0, static_cast<int64_t>(begun_[static_cast<size_t>(i)])).copy_(block(y, i));
  }
  return ordered;
}

at::Tensor TangentOps::padded(const at::Tensor& x, int64_t count) const {
  const int64_t missing = count - blocks(x);
  if (missing <= 0) return x;
  std::vector<int64_t> shape = x.sizes().vec();
  shape[0] = missing * samples_;
  return at::cat({x, at::zeros(shape, x.options())});
}

at::Tensor TangentOps::stacked(const at::Tensor& values, const at::Tensor& derivatives) const {
  return derivatives.defined() && derivatives.size(0) > 0 ? at::cat({values, derivatives}) : values;
}

int64_t TangentOps::place(size_t component) {
  const auto found = std::find(begun_.begin(), begun_.end(), component);
  const auto index = found - begun_.begin();
  if (found == begun_.end()) begun_.push_back(component);
  return index;
}

at::Tensor TangentOps::with_shares(at::Tensor y, const std::vector<OwnShare>& shares) {
  int64_t needed = blocks(y);
  for (const OwnShare& share : shares) needed = std::max(needed, place(share.component) + 1);
  y = padded(y, needed);
  for (const OwnShare& share : shares) block(y, place(share.component)).add_(share.rows);
  return y;
}

at::Tensor TangentOps::linear(const at::Tensor& x, const LinearMap& map) {
  const auto& [weight, bias, columns] = map;
  at::Tensor y = affine(x, out_in(weight_of(weight), columns));
  if (bias != no_parameter) values(y).add_(weight_of(bias));
  std::vector<OwnShare> shares;
  for (size_t c = 0; c < directions_.size(); ++c) {
    const at::Tensor matrix = direction_of(c, weight), shift = direction_of(c, bias);
    if (!matrix.defined() && !shift.defined()) continue;
    at::Tensor rows =
        matrix.defined() ? affine(values(x), out_in(matrix, columns)) : at::zeros_like(values(y));
    if (shift.defined()) rows = rows + shift;
    shares.push_back({c, std::move(rows)});
  }
  return with_shares(std::move(y), shares);
}

at::Tensor TangentOps::embedding(const at::Tensor& ids_here, ParameterId weight) {
  const at::Tensor ids = ids_here.to(weight_of(weight).device());
  std::vector<OwnShare> shares;
  for (size_t c = 0; c < directions_.size(); ++c) {
    const at::Tensor direction = direction_of(c, weight);
    if (direction.defined()) shares.push_back({c, at::embedding(direction, ids)});
  }
  return with_shares(at::embedding(weight_of(weight), ids), shares);
}

at::Tensor TangentOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                              int64_t stride, int64_t padding) {
  const auto convolve = [&](const at::Tensor& images, const at::Tensor& kernel) {
    return convolution(images, kernel, stride, padding);
  };
  const auto over_pixels = [](const at::Tensor& shift) { return shift.view({1, -1, 1, 1}); };
  at::Tensor y = convolve(x, weight_of(weight));
  if (bias != no_parameter) values(y).add_(over_pixels(weight_of(bias)));
  std::vector<OwnShare> shares;
  for (size_t c = 0; c < directions_.size(); ++c) {
    const at::Tensor filters = direction_of(c, weight), shift = direction_of(c, bias);
    if (!filters.defined() && !shift.defined()) continue;
    at::Tensor rows = filters.defined() ? convolve(values(x), filters) : at::zeros_like(values(y));
    if (shift.defined()) rows = rows + over_pixels(shift);
    shares.push_back({c, std::move(rows)});
  }
  return with_shares(std::move(y), shares);
}

at::Tensor TangentOps::shift(const at::Tensor& x, ParameterId bias) {
  at::Tensor y = x.clone();
  values(y).add_(weight_of(bias));
  std::vector<OwnShare> shares;
  for (size_t c = 0; c < directions_.size(); ++c) {
    const at::Tensor direction = direction_of(c, bias);
    if (direction.defined()) shares.push_back({c, direction.expand_as(values(y))});
  }
  return with_shares(std::move(y), shares);
}

at::Tensor TangentOps::softplus_scale(const at::Tensor& x, ParameterId weight, double offset) {
  const at::Tensor& w = weight_of(weight);
  std::vector<OwnShare> shares;
  for (size_t c = 0; c < directions_.size(); ++c) {
    const at::Tensor direction = direction_of(c, weight);
    if (direction.defined()) shares.push_back({c, values(x) * (at::sigmoid(w) * direction)});
  }
  return with_shares(x * (at::softplus(w) + offset), shares);
}

at::Tensor TangentOps::rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) {
  const at::Tensor own = values(x);
  const at::Tensor scale = at::rsqrt(own.square().mean(-1, /*keepdim=*/true) + epsilon);  // B T 1
  const at::Tensor normalised = own * scale;
  const bool has_gain = gain.parameter != no_parameter;
  const at::Tensor factor =
      has_gain ? weight_of(gain.parameter) + gain.offset : at::ones({x.size(-1)}, x.options());
  at::Tensor moved;
  if (blocks(x) > 0) {  // d(s x) = s dx − s³ x mean(x dx)
    const at::Tensor dx = by_component(tangents(x), samples_);
    const at::Tensor along = (own * dx).mean(-1, true);
    moved = joined((dx - normalised * scale * along) * scale * factor);
  }
  std::vector<OwnShare> shares;
  for (size_t c = 0; has_gain && c < directions_.size(); ++c) {
    const at::Tensor direction = direction_of(c, gain.parameter);
    if (direction.defined()) shares.push_back({c, normalised * direction});
  }
  return with_shares(stacked(normalised * factor, moved), shares);
}

at::Tensor TangentOps::activation(const at::Tensor& x, Activation function) const {
  at::Tensor y = Ops::activation(values(x), function);
  if (blocks(x) == 0) return y;
  return stacked(y, joined(by_component(tangents(x), samples_) * slope(values(x), function)));
}

at::Tensor TangentOps::leaky_relu(const at::Tensor& x, double slope) const {
  const at::Tensor own = values(x);
  at::Tensor y = Ops::leaky_relu(own, slope);
  if (blocks(x) == 0) return y;
  const at::Tensor derivative = at::where(own > 0, at::ones({}, own.options()), slope);
  return stacked(y, joined(by_component(tangents(x), samples_) * derivative));
}

at::Tensor TangentOps::add(const at::Tensor& a, const at::Tensor& b) const {
  const int64_t count = std::max(blocks(a), blocks(b));
  return padded(a, count) + padded(b, count);
}

at::Tensor TangentOps::multiply(const at::Tensor& a, const at::Tensor& b) const {
  at::Tensor y = values(a) * values(b);
  const int64_t count = std::max(blocks(a), blocks(b));
  if (count == 0) return y;
  const at::Tensor da = by_component(tangents(padded(a, count)), samples_);
  const at::Tensor db = by_component(tangents(padded(b, count)), samples_);
  return stacked(y, joined(da * values(b) + values(a) * db));
}

at::Tensor TangentOps::clamp(const at::Tensor& x, double limit) const {
  const at::Tensor own = values(x);
  at::Tensor y = Ops::clamp(own, limit);
  if (blocks(x) == 0) return y;
  const at::Tensor inside = (own.abs() <= limit).to(own.scalar_type());
  return stacked(y, joined(by_component(tangents(x), samples_) * inside));
}

at::Tensor TangentOps::soft_cap(const at::Tensor& x, double cap) const {
  const at::Tensor bent = at::tanh(values(x) / cap);
  if (blocks(x) == 0) return bent * cap;
  const at::Tensor derivative = 1 - bent.square();
  return stacked(bent * cap, joined(by_component(tangents(x), samples_) * derivative));
}

at::Tensor TangentOps::attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 const AttentionRule& rule) const {
  const int64_t count = std::max({blocks(q), blocks(k), blocks(v)});
  const int64_t shared = q.size(1) / k.size(1), positions = q.size(2);
  const auto whole = [&](const at::Tensor& x) {  // a copy of k and v for every head
    const at::Tensor full = padded(x, count);
    return shared == 1 || x.size(1) == q.size(1) ? full : full.repeat_interleave(shared, 1);
  };
  const at::Tensor qs = whole(q) * scale_of(rule, q.size(3)), ks = whole(k), vs = whole(v);
  const at::Tensor key = values(ks).transpose(-1, -2);
  at::Tensor logits = at::matmul(values(qs), key), slope;  // B H T T
  if (rule.cap > 0) {
    const at::Tensor bent = at::tanh(logits / rule.cap);
    logits = bent * rule.cap;
    slope = 1 - bent.square();
  }
  const at::Tensor hidden = hidden_positions(rule, positions, q.device());
  if (hidden.defined()) logits = logits.masked_fill(hidden, -INFINITY);
  const at::Tensor weights = at::softmax(logits, -1);
  at::Tensor mixed = at::matmul(weights, values(vs));
  if (count == 0) return mixed;
  const at::Tensor dq = by_component(tangents(qs), samples_),
                   dk = by_component(tangents(ks), samples_),
                   dv = by_component(tangents(vs), samples_);  // n B H T d
  at::Tensor dlogits =
      at::matmul(dq, key) + at::matmul(values(qs), dk.transpose(-1, -2));  // n B H T T
  if (slope.defined()) dlogits = dlogits * slope;
  const at::Tensor raised = weights * dlogits;
  const at::Tensor dweights = raised - weights * raised.sum(-1, /*keepdim=*/true);
  return stacked(mixed, joined(at::matmul(dweights, values(vs)) + at::matmul(weights, dv)));
}

at::Tensor TangentOps::max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                                  int64_t padding) const {
  const auto [largest, indices] =
      at::max_pool2d_with_indices(values(x), {size, size}, {stride, stride}, {padding, padding});
  if (blocks(x) == 0) return largest;
  const at::Tensor dx = by_component(tangents(x), samples_).flatten(-2);  // n B C HW
  const at::Tensor places = indices.flatten(-2).unsqueeze(0);
  std::vector<int64_t> shape = largest.sizes().vec();
  shape[0] = -1;
  return stacked(largest, dx.gather(-1, places.expand({blocks(x), -1, -1, -1})).reshape(shape));
}

at::Tensor TangentOps::max_over_image(const at::Tensor& x) const {
  const at::Tensor pixels = values(x).flatten(-2);  // B C HW
  const auto [largest, indices] = pixels.max(-1, /*keepdim=*/true);
  if (blocks(x) == 0) return largest.squeeze(-1);
  const at::Tensor dx = by_component(tangents(x), samples_).flatten(-2);
  const at::Tensor places = indices.unsqueeze(0).expand({blocks(x), -1, -1, -1});
  return stacked(largest.squeeze(-1), joined(dx.gather(-1, places).squeeze(-1)));
}

}  // namespace explaind
