#include "model/llama.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "checkpoint/convert.hpp"
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

LlamaNetwork::Linear LlamaNetwork::add_linear(ParameterInfo matrix, bool has_bias) {
  ParameterInfo bias = matrix;
  matrix.name += ".weight";
  bias.name += ".bias";
  bias.shape.resize(1);
  Linear linear;
  // A bias of o_proj belongs to no head; those of q, k, v are divided as their rows are.
  if (matrix.heads_by_column) bias.heads = 0;
  bias.heads_by_column = false;
  linear.weight = add(std::move(matrix));
  if (has_bias) linear.bias = add(std::move(bias));
  return linear;
}

LlamaNetwork::Layer LlamaNetwork::add_layer(int layer) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const std::string layer_name = "layer." + std::to_string(layer);
  const auto norm = [&](const std::string& name) {
    return add({.name = prefix + name + ".weight",
                .shape = {config_.hidden_size},
                .layer = layer,
                .layer_name = layer_name,
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
    return add_linear({.name = prefix + "self_attn." + name,
                       .shape = {out, in},
                       .layer = layer,
                       .layer_name = layer_name,
                       .kind = "attention",
                       .heads = count,
                       .heads_by_column = by_column},
                      config_.attention_bias);
  };
  const auto mlp = [&](const std::string& name, int64_t out, int64_t in) {
    return add_linear({.name = prefix + "mlp." + name,
                       .shape = {out, in},
                       .layer = layer,
                       .layer_name = layer_name,
                       .kind = "mlp"},
                      config_.mlp_bias);
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

bool LlamaNetwork::ignores(const std::string& tensor) const { return is_unused(config_, tensor); }

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

}  // namespace

std::string LlamaNetwork::contradiction(const TensorView& ignored,
                                        const std::map<std::string, TensorView>& tensors) const {
  if (ignored.name == "lm_head.weight") {
    const auto embedding = tensors.find("model.embed_tokens.weight");
    if (embedding == tensors.end() || !is_floating(ignored.dtype)) return "";
    const bool same_shape = embedding->second.shape == ignored.shape;
    const int64_t count = same_shape ? differing(ignored, embedding->second) : ignored.elements();
    if (count == 0) return "";
    return fmt::format(
        "config.json ties the unembedding to the embedding, and lm_head.weight in the file is "
        "another ({} of {} elements differ; transformers 5 takes the stored one, transformers 4 "
        "the embedding). Say which is meant: --tied-head stored, or --tied-head embedding",
        count, ignored.elements());
  }
  if (!ignored.name.ends_with("inv_freq") || !is_floating(ignored.dtype)) return "";
  const std::vector<double> scaled = inverse_frequencies(config_.rope, config_.head_dim, false);
  const std::vector<double> plain =
      inverse_frequencies({.theta = config_.rope.theta}, config_.head_dim, false);
  std::vector<double> stored(static_cast<size_t>(ignored.elements()));
  to_double(ignored, stored);
  // Linear scaling was applied to the positions once, with these frequencies left as they are.
  if (stored.size() == plain.size() && (alike(stored, scaled) || alike(stored, plain))) return "";
  return fmt::format(
      "{} in the file holds other rotary frequencies than config.json gives (rope_theta {}). Mend "
      "rope_theta or rope_scaling in config.json: the network is computed from them",
      ignored.name, config_.rope.theta);
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
