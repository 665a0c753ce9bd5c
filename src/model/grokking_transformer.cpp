#include "model/grokking_transformer.hpp"

#include <ATen/ATen.h>

#include <cmath>

// B samples, T positions, C width, H heads, d = C / H, V vocabulary.

namespace explaind {

GrokkingTransformer::GrokkingTransformer(const GrokkingTransformerConfig& config)
    : config_(config) {
  const int64_t width = config.width;
  const int heads = static_cast<int>(config.heads);
  embedding_ = add_embedding("input_emb", config.vocabulary, width);
  add({.name = "positional_encoding.pe",
       .shape = {config.positions, width},
       .layer = -1,
       .layer_name = "embedding",
       .kind = "embedding",
       .uses = 0},
      {InitialValue::Distribution::normal, 1});
  const auto layer = [](const std::string& name, const std::string& kind) {
    return ParameterInfo{
        .name = name, .shape = {}, .layer = 0, .layer_name = "layer.0", .kind = kind};
  };
  ParameterInfo encoder = layer("attention.encoder", "attention");
  encoder.heads = heads;
  encoder_ = add_linear(encoder, width, width, false);
  ParameterInfo out = layer("attention.decoder", "attention");
  out.heads = heads;
  out.heads_by_input = true;
  attention_out_ = add_linear(out, width, width, false);
  linear1_ = add_linear(layer("linear1", "mlp"), config.inner, width, true);
  linear2_ = add_linear(layer("linear2", "mlp"), width, config.inner, true);
  decoder_ = add_linear({.name = "decoder",
                         .shape = {},
                         .layer = 1,
                         .layer_name = "unembedding",
                         .kind = "unembedding"},
                        config.vocabulary, width, false);
}

at::Tensor GrokkingTransformer::forward(const at::Tensor& input, Ops& ops) const {
  const int64_t positions = input.size(1);
  const int64_t width = config_.width, heads = config_.heads, d = width / heads;
  const at::Tensor h =
      ops.embedding(input, embedding_) * std::sqrt(static_cast<double>(width));  // B T C
  const at::Tensor u =
      ops.linear(h, {encoder_.weight}).view({-1, positions, heads, d}).transpose(1, 2);  // B H T d
  const at::Tensor mixed = ops.attention(u, u, u, {.causal = false});
  const at::Tensor attention =
      ops.linear(mixed.transpose(1, 2).reshape({-1, positions, width}), {attention_out_.weight});
  const at::Tensor inner = ops.activation(ops.linear(attention, linear1_), config_.activation);
  const at::Tensor y =
      ops.add(attention, ops.activation(ops.linear(inner, linear2_), config_.activation));
  return ops.linear(y.narrow(1, positions - 1, 1), {decoder_.weight}).select(1, 0);
}

}  // namespace explaind
