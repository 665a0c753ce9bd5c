// What a checkpoint holds beside a decoder's weights, and whether it says another network.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "checkpoint/convert.hpp"
#include "model/decoder.hpp"
#include "model/rotary.hpp"

namespace explaind {
namespace {

/// Elements of two tensors that differ.
int64_t differing(const TensorView& a, const TensorView& b) {
  if (a.dtype == b.dtype && a.bytes == b.bytes && std::memcmp(a.data, b.data, a.bytes) == 0) {
    return 0;
  }
  constexpr int64_t block = 4096;
  std::array<double, block> left{}, right{};
  int64_t count = 0;
  for (int64_t begin = 0; begin < a.elements(); begin += block) {
    const auto n = static_cast<size_t>(std::min(block, a.elements() - begin));
    to_double(a, begin, std::span(left).first(n));
    to_double(b, begin, std::span(right).first(n));
    for (size_t i = 0; i < n; ++i) count += left[i] != right[i] ? 1 : 0;
  }
  return count;
}

/// True where all are within what a storage of 8 bits of fraction rounds.
bool alike(const std::vector<double>& stored, const std::vector<double>& expected) {
  constexpr double rounding = 0.01, subnormal = 1e-7;
  for (size_t i = 0; i < stored.size(); ++i) {
    if (!(std::abs(stored[i] - expected[i]) <= rounding * expected[i] + subnormal)) return false;
  }
  return true;
}

/// Of a constant that a checkpoint holds and the network does not read.
std::string contradicts_constant(const TensorView& stored, double expected, double tolerance) {
  std::vector<double> values(static_cast<size_t>(stored.elements()));
  to_double(stored, values);
  for (const double value : values) {
    if (std::abs(value - expected) <= tolerance) continue;
    return fmt::format(
        "{} in the file is {}, and the activation is computed with {}. A checkpoint with another "
        "constant is not supported",
        stored.name, value, expected);
  }
  return "";
}

/// Frequencies that belong to no rope of the config.
std::string contradicts_rope(const TensorView& stored, const DecoderConfig& config) {
  std::vector<double> values(static_cast<size_t>(stored.elements()));
  to_double(stored, values);
  for (const RopeConfig& rope : config.ropes) {
    // Linear scaling was applied to the positions once, with these frequencies left as they are.
    for (const RopeConfig& each :
         {rope, RopeConfig{.theta = rope.theta, .partial = rope.partial}}) {
      const std::vector<double> expected = inverse_frequencies(each, config.head_dim, false);
      if (values.size() == expected.size() && alike(values, expected)) return "";
    }
  }
  return fmt::format(
      "{} in the file holds other rotary frequencies than config.json gives (rope_theta {}). Mend "
      "rope_theta or rope_scaling in config.json: the network is computed from them",
      stored.name, config.ropes.empty() ? 0 : config.ropes[0].theta);
}

}  // namespace

std::string Decoder::contradiction(const TensorView& ignored,
                                   const std::map<std::string, TensorView>& tensors) const {
  if (ignored.name == config_.names.unembedding + ".weight") {
    const auto embedding = tensors.find(config_.names.embedding + ".weight");
    if (embedding == tensors.end() || !is_floating(ignored.dtype)) return "";
    const bool same_shape = embedding->second.shape == ignored.shape;
    const int64_t count = same_shape ? differing(ignored, embedding->second) : ignored.elements();
    if (count == 0) return "";
    return fmt::format(
        "config.json ties the unembedding to the embedding, and {} in the file is "
        "another ({} of {} elements differ; transformers 5 takes the stored one, transformers 4 "
        "the embedding). Say which is meant: --tied-head stored, or --tied-head embedding",
        ignored.name, count, ignored.elements());
  }
  if (!is_floating(ignored.dtype)) return "";
  if (config_.activation == MlpActivation::xielu && ignored.name.ends_with(".beta")) {
    return contradicts_constant(ignored, xielu_beta, 0);
  }
  if (config_.activation == MlpActivation::xielu && ignored.name.ends_with(".eps")) {
    return contradicts_constant(ignored, 0, xielu_largest_epsilon);
  }
  return ignored.name.ends_with("inv_freq") ? contradicts_rope(ignored, config_) : "";
}

}  // namespace explaind
