// GPT-2: a table of learned positions, LayerNorm with bias, matrices stored in out, one of them for
// all queries, then all keys, then all values; tied.

#include <algorithm>

#include "families/common_keys.hpp"

namespace explaind {
namespace {

DecoderNames gpt2_names() {
  return {.embedding = "transformer.wte",
          .positions = "transformer.wpe",
          .layer = "transformer.h.",
          .before_attention = "ln_1",
          .after_attention = "",
          .query = "",
          .key = "",
          .value = "",
          .output = "attn.c_proj",
          .fused = "attn.c_attn",
          .query_norm = "",
          .key_norm = "",
          .before_mlp = "ln_2",
          .after_mlp = "",
          .gate = "",
          .up = "mlp.c_fc",
          .down = "mlp.c_proj",
          .activation = "",
          .final_norm = "transformer.ln_f",
          .unembedding = "lm_head",
          .base = "transformer."};
}

/// A size under GPT-2's name, or under that of the other families, which transformers reads too.
int64_t size_of(const ConfigObject& config, const char* own, const char* other) {
  const int64_t first = config.size(own, 0), second = config.size(other, 0);
  if (first > 0 && second > 0 && first != second) {
    config.refuse(std::string(own) + " and " + other + " differ", "Keep one of them");
  }
  return first > 0 || second > 0 ? std::max(first, second) : config.size(own);
}

void read_gpt2(const ConfigObject& config, DecoderConfig& model) {
  model.names = gpt2_names();
  model.activation = activation_named(config, "activation_function", "gelu_new");
  model.hidden_size = size_of(config, "n_embd", "hidden_size");
  model.layers = size_of(config, "n_layer", "num_hidden_layers");
  require_layers(config, model.layers);
  model.heads = model.key_value_heads = size_of(config, "n_head", "num_attention_heads");
  model.intermediate_size = config.size("n_inner", 4 * model.hidden_size);
  model.vocabulary = config.size("vocab_size");
  model.max_positions = size_of(config, "n_positions", "max_position_embeddings");
  model.positions_end = true;
  if (model.hidden_size % model.heads != 0) {
    config.refuse("n_embd must be a multiple of n_head");
  }
  model.head_dim = model.hidden_size / model.heads;
  model.tied = config.boolean("tie_word_embeddings", true);
  model.norm = NormKind::layer;
  model.norm_bias = true;
  model.norm_epsilon = config.positive("layer_norm_epsilon", 1e-5);
  model.query_bias = model.output_bias = model.mlp_bias = true;
  model.fused = FusedProjection::by_part;
  model.columns_are_outputs = true;
  model.gated = false;
  model.learned_positions = true;
  model.ropes.clear();
  model.attention.assign(static_cast<size_t>(model.layers), {.window = 0, .rope = -1});
  if (!config.boolean("scale_attn_weights", true)) model.attention_scale = 1;
}

nlohmann::json describe_gpt2(const FamilySizes& sizes) {
  return {{"architectures", nlohmann::json::array({gpt2().architecture})},
          {"model_type", gpt2().model_type},
          {"activation_function", "gelu_new"},
          {"n_embd", sizes.hidden},
          {"n_inner", sizes.intermediate},
          {"n_layer", sizes.layers},
          {"n_head", sizes.heads},
          {"n_positions", sizes.positions},
          {"vocab_size", sizes.vocabulary},
          {"tie_word_embeddings", true},
          {"layer_norm_epsilon", 1e-5},
          {"initializer_range", 0.02},
          {"use_cache", true}};
}

}  // namespace

const Family& gpt2() {
  static const Family family{.title = "GPT-2",
                             .architecture = "GPT2LMHeadModel",
                             .model_type = "gpt2",
                             .read = read_gpt2,
                             .describe = describe_gpt2};
  return family;
}

}  // namespace explaind
