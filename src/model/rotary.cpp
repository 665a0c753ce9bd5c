#include "model/rotary.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

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

}  // namespace

std::vector<double> inverse_frequencies(const RopeConfig& rope, int64_t head_dim, bool single) {
  std::vector<double> frequencies;
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double exponent = static_cast<double>(i) / static_cast<double>(head_dim);
    double frequency = 0;
    if (single) {
      const float power = std::pow(static_cast<float>(rope.theta), static_cast<float>(exponent));
      frequency = static_cast<double>(1.0F / power);
    } else {
      frequency = 1 / std::pow(rope.theta, exponent);
    }
    if (rope.type == RopeType::linear) frequency /= rope.factor;
    if (rope.type == RopeType::llama3) frequency = scale_llama3(frequency, rope);
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
  return {both.cos().to(options.dtype()), both.sin().to(options.dtype())};
}

at::Tensor rotate(const at::Tensor& x, const RotaryTables& tables) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor turned = at::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x * tables.cosine + turned * tables.sine;
}

}  // namespace explaind
