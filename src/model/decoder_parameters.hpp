#pragma once
// The parameters of a decoder, in the order of the component axis, and where its blocks find them.

#include <string>
#include <vector>

#include "families/decoder_config.hpp"
#include "model/ops.hpp"
#include "scores/component.hpp"

namespace explaind {

/// β of xIELU, α_p max(x, 0)² + α_n (e^m − 1 − m) + β x with m = min(x, 0), α_p = softplus(a_p) and
/// α_n = β + softplus(a_n); and −ε, below which m is kept in published code. Checkpoints hold both
/// as buffers. Here ε is 0, which moves F by less than what fp32 rounds.
inline constexpr double xielu_beta = 0.5, xielu_largest_epsilon = 1e-5;

struct DecoderNorm {
  bool there = false;
  ParameterId gain = no_parameter, bias = no_parameter;
};

/// A layer's modules; those that its family does not have are not there.
struct DecoderLayer {
  DecoderNorm before_attention, after_attention, before_mlp, after_mlp, query_norm, key_norm;
  LinearMap query, key, value, fused, output, gate, up, down;
  ParameterId alpha_positive = no_parameter, alpha_negative = no_parameter;
  ParameterId first = 0, last = 0;  ///< its parameters are [first, last)
};

struct DecoderLayout {
  std::vector<ParameterInfo> parameters;
  std::vector<DecoderLayer> layers;
  DecoderNorm final_norm;
  ParameterId embedding = no_parameter, positions = no_parameter, unembedding = no_parameter;
};

DecoderLayout lay_out(const DecoderConfig& config);

/// The layout with its parameters numbered by their places in `all`, which holds them by name, and
/// those of other networks beside them. Throws DataError with `where` for one that is divided
/// otherwise there.
DecoderLayout numbered(DecoderLayout layout, const std::vector<ParameterInfo>& all,
                       const std::string& where);

}  // namespace explaind
