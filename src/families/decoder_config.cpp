#include "families/decoder_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>

#include "core/error.hpp"
#include "families/config_keys.hpp"
#include "families/family.hpp"

namespace explaind {
namespace {

using Json = nlohmann::json;

const char* name_of(MlpActivation activation) {
  switch (activation) {
    case MlpActivation::silu:
      return "silu";
    case MlpActivation::gelu:
      return "gelu";
    case MlpActivation::gelu_tanh:
      return "gelu_pytorch_tanh";
    case MlpActivation::relu:
      return "relu";
    case MlpActivation::xielu:
      break;
  }
  return "xielu";
}

/// A list of one value for each layer: "[4, 0, 4]".
template <typename Value>
std::string per_layer(const DecoderConfig& model, const Value& value) {
  std::vector<int64_t> values;
  for (int64_t layer = 0; layer < model.layers; ++layer) {
    values.push_back(value(model.attention_of(layer)));
  }
  return fmt::format("[{}]", fmt::join(values, ", "));
}

std::string windows_of(const DecoderConfig& model) {
  return per_layer(model, [](const LayerAttention& each) { return each.window; });
}

std::string ropes_of(const DecoderConfig& model) {
  return per_layer(model, [](const LayerAttention& each) { return int64_t{each.rope}; });
}

}  // namespace

DecoderConfig read_decoder_config(const Json& config, const std::string& where) {
  if (!config.is_object()) throw DataError(where, "is not a JSON object");
  const ConfigObject keys(config, where);
  const Family& family = family_of(keys);
  if (keys.find("quantization_config") != nullptr) {
    keys.refuse("quantised weights (quantization_config) are not supported",
                "Name the checkpoint before quantisation");
  }
  DecoderConfig model;
  model.architecture = family.architecture;
  model.family = family.title;
  family.read(keys, model);
  refuse_other_networks(keys, model);
  return model;
}

DecoderNames names_in(const Json& config) {
  try {
    return read_decoder_config(config, "").names;
  } catch (const DataError&) {
    return {};
  }
}

bool is_unused(const DecoderConfig& model, const std::string& tensor) {
  // Tables and masks that a program keeps among its tensors, and computes again.
  constexpr std::array<std::string_view, 8> buffers{
      "rotary_emb.inv_freq",   "rotary_emb.original_inv_freq",
      "rotary_emb.cos_cached", "rotary_emb.sin_cached",
      "._extra_state",         ".masked_bias",
      ".causal_mask",          ".position_ids"};
  const auto is = [&](std::string_view end) { return tensor.ends_with(end); };
  const bool buffer = std::any_of(buffers.begin(), buffers.end(), is);
  const bool mask =
      model.fused != FusedProjection::none && (is(".attention.bias") || is(".attn.bias"));
  const bool constant =
      model.activation == MlpActivation::xielu &&
      (is(model.names.activation + ".beta") || is(model.names.activation + ".eps"));
  const bool second = model.tied && tensor == model.names.unembedding + ".weight";
  return second || buffer || mask || constant;
}

std::vector<std::string> config_differences(const DecoderConfig& a, const DecoderConfig& b) {
  std::vector<std::string> found;
  const auto compare = [&](const std::string& key, const auto& left, const auto& right) {
    if (left != right) found.push_back(fmt::format("{}: {} here, {} there", key, left, right));
  };
  compare("architectures", a.architecture, b.architecture);
  compare("hidden_size", a.hidden_size, b.hidden_size);
  compare("intermediate_size", a.intermediate_size, b.intermediate_size);
  compare("num_hidden_layers", a.layers, b.layers);
  compare("num_attention_heads", a.heads, b.heads);
  compare("num_key_value_heads", a.key_value_heads, b.key_value_heads);
  compare("head_dim", a.head_dim, b.head_dim);
  compare("vocab_size", a.vocabulary, b.vocabulary);
  compare("hidden_act", std::string(name_of(a.activation)), std::string(name_of(b.activation)));
  compare(a.norm == NormKind::rms ? "rms_norm_eps" : "layer_norm_eps", a.norm_epsilon,
          b.norm_epsilon);
  compare("tie_word_embeddings", a.tied, b.tied);
  compare("attention_bias", a.query_bias, b.query_bias);
  compare("mlp_bias", a.mlp_bias, b.mlp_bias);
  compare("embedding scale", a.embedding_scale, b.embedding_scale);
  compare("use_parallel_residual", a.parallel, b.parallel);
  compare("clip_qkv", a.query_clip, b.query_clip);
  compare("the scale of attention", a.attention_scale, b.attention_scale);
  compare("attn_logit_softcapping", a.attention_cap, b.attention_cap);
  compare("final_logit_softcapping", a.logit_cap, b.logit_cap);
  if (a.layers == b.layers) {
    compare("the layers' windows", windows_of(a), windows_of(b));
    compare("the layers' rope", ropes_of(a), ropes_of(b));
  }
  for (size_t i = 0; i < std::min(a.ropes.size(), b.ropes.size()); ++i) {
    const RopeConfig &here = a.ropes[i], &there = b.ropes[i];
    const std::string which = i == 0 ? "" : " of layers with a window";
    compare("rope_type" + which, std::string(rope_name(here.type)),
            std::string(rope_name(there.type)));
    compare("rope_theta" + which, here.theta, there.theta);
    compare("partial_rotary_factor" + which, here.partial, there.partial);
    compare("rope factor" + which, here.factor, there.factor);
    compare("rope low_freq_factor" + which, here.low_freq_factor, there.low_freq_factor);
    compare("rope high_freq_factor" + which, here.high_freq_factor, there.high_freq_factor);
    compare("rope original_max_position_embeddings" + which, here.original_max_position_embeddings,
            there.original_max_position_embeddings);
    compare("rope beta_fast" + which, here.beta_fast, there.beta_fast);
    compare("rope beta_slow" + which, here.beta_slow, there.beta_slow);
    compare("rope truncate" + which, here.truncate, there.truncate);
    compare("rope attention_factor" + which, here.attention_factor, there.attention_factor);
  }
  if (!found.empty()) return found;
  DecoderConfig same_positions = a;
  same_positions.max_positions = b.max_positions;
  if (!(same_positions == b)) found.emplace_back("the network is another one");
  return found;
}

bool share_tensors(const DecoderConfig& a, const DecoderConfig& b) {
  const auto sizes = [](const DecoderConfig& c) {
    return std::make_tuple(c.hidden_size, c.intermediate_size, c.layers, c.heads, c.key_value_heads,
                           c.head_dim, c.vocabulary, c.learned_positions ? c.max_positions : 0,
                           c.fused, c.columns_are_outputs);
  };
  // Where both normalise queries and keys, they do so over the same things.
  const bool norms_agree = a.query_key_norm == b.query_key_norm ||
                           a.query_key_norm == QueryKeyNorm::none ||
                           b.query_key_norm == QueryKeyNorm::none;
  return sizes(a) == sizes(b) && a.names == b.names && norms_agree;
}

}  // namespace explaind
