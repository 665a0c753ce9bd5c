// GPT-NeoX: Pythia. LayerNorm with bias, one matrix for queries, keys and values of each head in
// turn, a quarter of each head turned, attention and MLP side by side.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

DecoderNames gpt_neox_names() {
  return {.embedding = "gpt_neox.embed_in",
          .positions = "",
          .layer = "gpt_neox.layers.",
          .before_attention = "input_layernorm",
          .after_attention = "",
          .query = "",
          .key = "",
          .value = "",
          .output = "attention.dense",
          .fused = "attention.query_key_value",
          .query_norm = "",
          .key_norm = "",
          .before_mlp = "post_attention_layernorm",
          .after_mlp = "",
          .gate = "",
          .up = "mlp.dense_h_to_4h",
          .down = "mlp.dense_4h_to_h",
          .activation = "",
          .final_norm = "gpt_neox.final_layer_norm",
          .unembedding = "embed_out",
          .base = "gpt_neox."};
}

void read_gpt_neox(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {.activation = "gelu"}, model);
  if (model.key_value_heads != model.heads || model.head_dim * model.heads != model.hidden_size) {
    config.refuse("GPT-NeoX has heads of hidden_size / num_attention_heads, and as many keys",
                  "Take num_key_value_heads and head_dim out of config.json");
  }
  model.names = gpt_neox_names();
  model.norm = NormKind::layer;
  model.norm_bias = true;
  model.norm_epsilon = config.positive("layer_norm_eps", 1e-5);
  model.parallel = config.boolean("use_parallel_residual", true);
  model.query_bias = model.output_bias = config.boolean("attention_bias", true);
  model.mlp_bias = true;
  model.gated = false;
  model.fused = FusedProjection::by_head;
  // transformers 5 writes rope_theta and partial_rotary_factor.
  const bool older = config.find("rotary_emb_base") != nullptr;
  const bool older_part = config.find("rotary_pct") != nullptr;
  read_one_rope(config,
                {.theta = 10000.0,
                 .partial = 0.25,
                 .theta_key = older ? "rotary_emb_base" : "rope_theta",
                 .partial_key = older_part ? "rotary_pct" : "partial_rotary_factor"},
                model);
}

nlohmann::json describe_gpt_neox(const FamilySizes& sizes) {
  nlohmann::json json = common_json(gpt_neox(), sizes);
  json.erase("num_key_value_heads");
  json.update({{"hidden_act", "gelu"},
               {"layer_norm_eps", 1e-5},
               {"use_parallel_residual", true},
               {"attention_bias", true},
               {"rotary_pct", 0.25},
               {"rotary_emb_base", 10000}});
  return json;
}

}  // namespace

const Family& gpt_neox() {
  static const Family family{.title = "GPT-NeoX",
                             .architecture = "GPTNeoXForCausalLM",
                             .model_type = "gpt_neox",
                             .read = read_gpt_neox,
                             .describe = describe_gpt_neox};
  return family;
}

}  // namespace explaind
