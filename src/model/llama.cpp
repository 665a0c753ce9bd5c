#include "model/llama.hpp"

#include <ATen/ATen.h>

#include "model/rotary.hpp"

// B samples, T positions, C hidden size, H heads, K key-value heads, d head size, V vocabulary.

namespace explaind {

LlamaNetwork::LlamaNetwork(const ModelConfig& config) : config_(config) {
  const int last = static_cast<int>(config.layers);
  embedding_ = add({.name = "model.embed_tokens.weight",
                    .shape = {config.vocabulary, config.hidden_size},
                    .layer = -1,
                    .layer_name = "embedding",
                    .kind = "embedding",
                    .uses = config.tied ? 2 : 1});
  for (int layer = 0; layer < last; ++layer) layers_.push_back(add_layer(layer));
  final_norm_ = add({.name = "model.norm.weight",
                     .shape = {config.hidden_size},
                     .layer = last,
                     .layer_name = "final_norm",
                     .kind = "norm"});
  unembedding_ = config.tied ? embedding_
                             : add({.name = "lm_head.weight",
                                    .shape = {config.vocabulary, config.hidden_size},
                                    .layer = last,
                                    .layer_name = "unembedding",
                                    .kind = "unembedding"});
}

ParameterId LlamaNetwork::add(ParameterInfo info) {
  parameters_.push_back(std::move(info));
  return static_cast<ParameterId>(parameters_.size()) - 1;
}

LlamaNetwork::Linear LlamaNetwork::add_linear(const std::string& name, const std::string& kind,
                                              int layer, int64_t out, int64_t in, bool bias,
                                              int heads, bool heads_by_column) {
  const std::string layer_name = "layer." + std::to_string(layer);
  Linear linear;
  linear.weight = add({.name = name + ".weight",
                       .shape = {out, in},
                       .layer = layer,
                       .layer_name = layer_name,
                       .kind = kind,
                       .heads = heads,
                       .heads_by_column = heads_by_column});
  if (bias) {
    // A bias of o_proj belongs to no head; those of q, k, v are divided as their rows are.
    linear.bias = add({.name = name + ".bias",
                       .shape = {out},
                       .layer = layer,
                       .layer_name = layer_name,
                       .kind = kind,
                       .heads = heads_by_column ? 0 : heads});
  }
  return linear;
}

LlamaNetwork::Layer LlamaNetwork::add_layer(int layer) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const auto norm = [&](const std::string& name) {
    return add({.name = prefix + name + ".weight",
                .shape = {config_.hidden_size},
                .layer = layer,
                .layer_name = "layer." + std::to_string(layer),
                .kind = "norm"});
  };
  const int heads = static_cast<int>(config_.heads);
  const int kv_heads = static_cast<int>(config_.key_value_heads);
  const int64_t hidden = config_.hidden_size;
  const int64_t queries = config_.heads * config_.head_dim;
  const int64_t keys = config_.key_value_heads * config_.head_dim;
  const int64_t inner = config_.intermediate_size;
  const auto attention = [&](const std::string& name, int64_t out, int64_t in, int count,
                             bool by_column) {
    return add_linear(prefix + "self_attn." + name, "attention", layer, out, in,
                      config_.attention_bias, count, by_column);
  };
  const auto mlp = [&](const std::string& name, int64_t out, int64_t in) {
    return add_linear(prefix + "mlp." + name, "mlp", layer, out, in, config_.mlp_bias, 0, false);
  };
  Layer made;
  made.input_norm = norm("input_layernorm");
  made.q = attention("q_proj", queries, hidden, heads, false);
  made.k = attention("k_proj", keys, hidden, kv_heads, false);
  made.v = attention("v_proj", keys, hidden, kv_heads, false);
  made.o = attention("o_proj", hidden, queries, heads, true);
  made.post_attention_norm = norm("post_attention_layernorm");
  made.gate = mlp("gate_proj", inner, hidden);
  made.up = mlp("up_proj", inner, hidden);
  made.down = mlp("down_proj", hidden, inner);
  return made;
}

bool LlamaNetwork::ignores(const std::string& tensor) const {
  return (config_.tied && tensor == "lm_head.weight") || tensor.ends_with("rotary_emb.inv_freq");
}

at::Tensor LlamaNetwork::block(int64_t index, const at::Tensor& input, Ops& ops) const {
  if (index == 0) return ops.embedding(input, embedding_);
  if (index == blocks() - 1) return norm(input, final_norm_, ops);
  const Layer& layer = layers_[static_cast<size_t>(index - 1)];
  const at::Tensor x = ops.add(input, attention(norm(input, layer.input_norm, ops), layer, ops));
  return ops.add(x, mlp(norm(x, layer.post_attention_norm, ops), layer, ops));
}

std::vector<ParameterId> LlamaNetwork::block_parameters(int64_t index) const {
  if (index == 0) return {};
  if (index == blocks() - 1) return {final_norm_};
  const Layer& layer = layers_[static_cast<size_t>(index - 1)];
  std::vector<ParameterId> used{layer.input_norm, layer.post_attention_norm};
  for (const Linear& linear :
       {layer.q, layer.k, layer.v, layer.o, layer.gate, layer.up, layer.down}) {
    used.push_back(linear.weight);
    if (linear.bias != no_parameter) used.push_back(linear.bias);
  }
  return used;
}

at::Tensor LlamaNetwork::norm(const at::Tensor& x, ParameterId gain, Ops& ops) const {
  return ops.rms_norm(x, gain, config_.rms_norm_eps);
}

at::Tensor LlamaNetwork::attention(const at::Tensor& x, const Layer& layer, Ops& ops) const {
  const int64_t positions = x.size(1), d = config_.head_dim;
  const auto heads = [&](const Linear& linear, int64_t count) {  // B T (count·d) → B count T d
    return ops.linear(x, linear.weight, linear.bias)
        .view({-1, positions, count, d})
        .transpose(1, 2);
  };
  const RotaryTables tables = rotary_tables(config_.rope, d, positions, x.options());
  const at::Tensor q = rotate(heads(layer.q, config_.heads), tables);
  const at::Tensor k = rotate(heads(layer.k, config_.key_value_heads), tables);
  const at::Tensor v = heads(layer.v, config_.key_value_heads);
  const at::Tensor mixed = ops.attention(q, k, v, /*causal=*/true);  // B H T d
  return ops.linear(mixed.transpose(1, 2).reshape({-1, positions, config_.heads * d}),
                    layer.o.weight, layer.o.bias);
}

at::Tensor LlamaNetwork::mlp(const at::Tensor& x, const Layer& layer, Ops& ops) const {
  const at::Tensor gate =
      ops.activation(ops.linear(x, layer.gate.weight, layer.gate.bias), Activation::silu);
  const at::Tensor up = ops.linear(x, layer.up.weight, layer.up.bias);
  return ops.linear(ops.multiply(gate, up), layer.down.weight, layer.down.bias);
}

}  // namespace explaind
