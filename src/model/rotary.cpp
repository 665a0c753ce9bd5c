#include "model/rotary.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensors/rotation.hpp"

namespace explaind {
namespace {

/// Llama 3: long wavelengths are divided by `factor`, short ones kept, those between blended.
double scale_llama3(double frequency, const RopeConfig& rope) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double context = rope.original_max_position_embeddings;
  if (wavelength < context / rope.high_freq_factor) return frequency;
  if (wavelength > context / rope.low_freq_factor) return frequency / rope.factor;
  const double smooth = (context / wavelength - rope.low_freq_factor) /
                        (rope.high_freq_factor - rope.low_freq_factor);
  return (1 - smooth) * frequency / rope.factor + smooth * frequency;
}

/// YaRN: how much of pair i, 1 … 0, keeps its frequency; the rest is divided by `factor`. Between
/// the pair that turns beta_fast times in the original context and the one that turns beta_slow
/// times it falls along a line. n: coordinates that are turned.
double kept_by_yarn(double i, double n, const RopeConfig& rope) {
  const auto pair_of = [&](double turns) {
    const double context = rope.original_max_position_embeddings;
    return n * std::log(context / (turns * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
  };
  double low = pair_of(rope.beta_fast), high = pair_of(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, n - 1);
  if (low == high) high += 0.001;
  return 1 - std::clamp((i - low) / (high - low), 0.0, 1.0);
}

double scaled(double frequency, double i, double n, const RopeConfig& rope) {
  switch (rope.type) {
    case RopeType::linear:
      return frequency / rope.factor;
    case RopeType::llama3:
      return scale_llama3(frequency, rope);
    case RopeType::yarn: {
      const double kept = kept_by_yarn(i, n, rope);
      return frequency * kept + frequency / rope.factor * (1 - kept);
    }
    case RopeType::dynamic:  // nothing below the longest position
    case RopeType::plain:
      break;
  }
  return frequency;
}

}  // namespace

std::vector<double> inverse_frequencies(const RopeConfig& rope, int64_t head_dim, bool single) {
  const auto turned = static_cast<int64_t>(static_cast<double>(head_dim) * rope.partial);
  std::vector<double> frequencies;
  for (int64_t i = 0; i < turned; i += 2) {
    const double exponent = static_cast<double>(i) / static_cast<double>(turned);
    double frequency = 0;
    if (single) {
      const float power = std::pow(static_cast<float>(rope.theta), static_cast<float>(exponent));
      frequency = static_cast<double>(1.0F / power);
    } else {
      frequency = 1 / std::pow(rope.theta, exponent);
    }
    frequency = scaled(frequency, static_cast<double>(i) / 2, static_cast<double>(turned), rope);
    frequencies.push_back(single ? static_cast<double>(static_cast<float>(frequency)) : frequency);
  }
  return frequencies;
}

RotaryTables rotary_tables(const RopeConfig& rope, int64_t head_dim, int64_t positions,
                           const at::TensorOptions& options) {
  const bool single = options.dtype() != at::kDouble;
  const auto precision = options.dtype(single ? at::kFloat : at::kDouble);
  const at::Tensor frequencies =
      at::tensor(inverse_frequencies(rope, head_dim, single), at::kDouble).to(precision);
  const at::Tensor angles = at::outer(at::arange(positions, precision), frequencies);
  const at::Tensor both = at::cat({angles, angles}, -1);
  at::Tensor cosine = both.cos(), sine = both.sin();
  if (rope.attention_factor != 1) {
    cosine.mul_(rope.attention_factor);
    sine.mul_(rope.attention_factor);
  }
  return {cosine.to(options.dtype()), sine.to(options.dtype())};
}

at::Tensor rotate(const at::Tensor& x, const RotaryTables& tables) {
  return rotated(x, tables.cosine, tables.sine);
}

}  // namespace explaind
