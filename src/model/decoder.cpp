#include "model/decoder.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "model/rotary.hpp"

namespace explaind {
namespace {

Activation activation_of(MlpActivation activation) {
  switch (activation) {
    case MlpActivation::gelu:
      return Activation::gelu;
    case MlpActivation::gelu_tanh:
      return Activation::gelu_tanh;
    case MlpActivation::relu:
      return Activation::relu;
    default:
      return Activation::silu;
  }
}

/// softplus(a) = 0.8 and 0.3 + β, as published code begins.
double initial_alpha(bool positive) { return std::log(std::expm1(positive ? 0.8 : 0.3)); }

}  // namespace

Decoder::Decoder(const DecoderConfig& config) : config_(config), layout_(lay_out(config)) {}

Decoder::Decoder(const DecoderConfig& config, const std::vector<ParameterInfo>& all,
                 const std::string& where)
    : config_(config), layout_(numbered(lay_out(config), all, where)) {}

InitialValue Decoder::initial_value(ParameterId id) const {
  for (const DecoderLayer& layer : layout_.layers) {
    for (const bool positive : {true, false}) {
      if (id != (positive ? layer.alpha_positive : layer.alpha_negative)) continue;
      return {InitialValue::Distribution::constant, initial_alpha(positive)};
    }
  }
  const ParameterInfo& parameter = parameters()[static_cast<size_t>(id)];
  if (parameter.kind == "norm" && config_.norm_offset != 0) {
    return {InitialValue::Distribution::constant, 1 - config_.norm_offset};
  }
  if (parameter.kind == "norm" && parameter.name.ends_with(".bias")) {
    return {InitialValue::Distribution::constant, 0};
  }
  return Network::initial_value(id);
}

Smoothness Decoder::smoothness() const {
  if (config_.query_clip > 0 || config_.activation == MlpActivation::xielu) {
    return Smoothness::kinks;
  }
  return smoothness_of(activation_of(config_.activation));
}

bool Decoder::ignores(const std::string& tensor) const { return is_unused(config_, tensor); }

std::vector<std::pair<std::string, double>> Decoder::constants() const {
  constexpr double published_epsilon = -1e-6;
  std::vector<std::pair<std::string, double>> all;
  for (int64_t i = 0; config_.activation == MlpActivation::xielu && i < config_.layers; ++i) {
    const std::string module =
        config_.names.layer + std::to_string(i) + "." + config_.names.activation;
    all.emplace_back(module + ".beta", xielu_beta);
    all.emplace_back(module + ".eps", published_epsilon);
  }
  return all;
}

at::Tensor Decoder::block(int64_t index, const at::Tensor& input, Ops& ops) const {
  if (index == 0) return embedded(input, ops);
  if (index == blocks() - 1) return norm(input, layout_.final_norm, ops);
  const DecoderLayer& layer = layout_.layers[static_cast<size_t>(index - 1)];
  const at::Tensor mixed = norm(attention(norm(input, layer.before_attention, ops), index - 1, ops),
                                layer.after_attention, ops);
  const at::Tensor between = ops.add(input, mixed);
  const at::Tensor& read = config_.parallel ? input : between;
  return ops.add(between,
                 norm(mlp(norm(read, layer.before_mlp, ops), layer, ops), layer.after_mlp, ops));
}

std::vector<ParameterId> Decoder::block_parameters(int64_t index) const {
  std::vector<ParameterId> used;
  if (index == 0) return used;
  if (index < blocks() - 1) {
    const DecoderLayer& layer = layout_.layers[static_cast<size_t>(index - 1)];
    for (ParameterId id = layer.first; id < layer.last; ++id) used.push_back(id);
    return used;
  }
  for (const ParameterId id : {layout_.final_norm.gain, layout_.final_norm.bias}) {
    if (id != no_parameter) used.push_back(id);
  }
  return used;
}

int64_t Decoder::pair_outputs(int64_t block) const {
  if (block == 0 || block == blocks() - 1) return 0;
  // What goes into the softmax and what comes out of it, a head; of a window a mask.
  if (config_.attention_cap > 0) return 2 * config_.heads;
  return config_.attention_of(block - 1).window > 0 ? 1 : 0;
}

at::Tensor Decoder::embedded(const at::Tensor& ids, Ops& ops) const {
  at::Tensor x = ops.embedding(ids, layout_.embedding);
  if (config_.embedding_scale != 1) x = x * config_.embedding_scale;
  if (layout_.positions == no_parameter) return x;
  const at::Tensor places = at::arange(ids.size(1), ids.options()).expand_as(ids).contiguous();
  return ops.add(x, ops.embedding(places, layout_.positions));
}

at::Tensor Decoder::norm(const at::Tensor& x, const DecoderNorm& norm, Ops& ops) const {
  if (!norm.there) return x;
  const Gain gain{.parameter = norm.gain, .offset = config_.norm_offset};
  if (config_.norm == NormKind::rms) return ops.rms_norm(x, gain, config_.norm_epsilon);
  return ops.layer_norm(x, gain, norm.bias, config_.norm_epsilon);
}

Decoder::Heads Decoder::heads_of(const at::Tensor& x, const DecoderLayer& layer, Ops& ops) const {
  const int64_t positions = x.size(1), d = config_.head_dim;
  const auto clipped = [&](const at::Tensor& y) {
    return config_.query_clip > 0 ? ops.clamp(y, config_.query_clip) : y;
  };
  if (config_.fused != FusedProjection::none) {
    const bool by_head = config_.fused == FusedProjection::by_head;
    const at::Tensor all = clipped(ops.linear(x, layer.fused));
    const at::Tensor parts = by_head ? all.view({-1, positions, config_.heads, 3, d})
                                     : all.view({-1, positions, 3, config_.heads, d});
    const int64_t axis = by_head ? 3 : 2;
    // Its gradient is one tensor put together of three, where selections would add up three that
    // are mostly zero.
    const std::vector<at::Tensor> each = at::unbind(parts, axis);
    return {each[0], each[1], each[2]};
  }
  const auto projected = [&](const LinearMap& map, const DecoderNorm& of_heads, int64_t heads) {
    at::Tensor y = clipped(ops.linear(x, map));
    if (config_.query_key_norm == QueryKeyNorm::whole) y = norm(y, of_heads, ops);
    y = y.view({-1, positions, heads, d});
    return config_.query_key_norm == QueryKeyNorm::head ? norm(y, of_heads, ops) : y;
  };
  return {projected(layer.query, layer.query_norm, config_.heads),
          projected(layer.key, layer.key_norm, config_.key_value_heads),
          projected(layer.value, {}, config_.key_value_heads)};
}

at::Tensor Decoder::attention(const at::Tensor& x, int64_t index, Ops& ops) const {
  const DecoderLayer& layer = layout_.layers[static_cast<size_t>(index)];
  const LayerAttention how = config_.attention_of(index);
  const int64_t positions = x.size(1), d = config_.head_dim;
  const Heads heads = heads_of(x, layer, ops);
  at::Tensor q = heads.query.transpose(1, 2), k = heads.key.transpose(1, 2);  // B H T d, B K T d
  const at::Tensor v = heads.value.transpose(1, 2);
  if (how.rope >= 0) {
    const RotaryTables tables =
        rotary_tables(config_.ropes[static_cast<size_t>(how.rope)], d, positions, x.options());
    q = rotate(q, tables);
    k = rotate(k, tables);
  }
  const at::Tensor mixed = ops.attention(q, k, v,
                                         {.causal = true,
                                          .window = how.window,
                                          .scale = config_.attention_scale,
                                          .cap = config_.attention_cap});
  return ops.linear(mixed.transpose(1, 2).reshape({-1, positions, config_.heads * d}),
                    layer.output);
}

at::Tensor Decoder::bent(const at::Tensor& x, const DecoderLayer& layer, Ops& ops) const {
  if (config_.activation != MlpActivation::xielu) {
    return ops.activation(x, activation_of(config_.activation));
  }
  const at::Tensor above =
      ops.softplus_scale(ops.activation(x, Activation::squared_relu), layer.alpha_positive, 0);
  const at::Tensor below = ops.softplus_scale(ops.activation(x, Activation::negative_expm1),
                                              layer.alpha_negative, xielu_beta);
  return ops.add(ops.add(above, below), x * xielu_beta);
}

at::Tensor Decoder::mlp(const at::Tensor& x, const DecoderLayer& layer, Ops& ops) const {
  if (!config_.gated) return ops.linear(bent(ops.linear(x, layer.up), layer, ops), layer.down);
  const at::Tensor gate = bent(ops.linear(x, layer.gate), layer, ops);
  const at::Tensor up = ops.linear(x, layer.up);
  return ops.linear(ops.multiply(gate, up), layer.down);
}

}  // namespace explaind
