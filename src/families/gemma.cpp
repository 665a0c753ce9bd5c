// Gemma-2 and Gemma-3 (text): gains are 1 + w, norms before and after each part, windows, a scaled
// embedding. Gemma-2 cuts logits softly; Gemma-3 has norms over heads, and a rope for each kind of
// layer.

#include <cmath>

#include "families/common_keys.hpp"

namespace explaind {
namespace {

constexpr const char* gemma_activation = "gelu_pytorch_tanh";

void read_gemma_blocks(const ConfigObject& config, int64_t max_positions, DecoderConfig& model) {
  read_common(config,
              {.max_positions = max_positions,
               .key_value_heads = 4,
               .head_dim = 256,
               .tied = true,
               .activation_key = "hidden_activation",
               .activation = gemma_activation},
              model);
  const std::string used = config.text("hidden_activation", gemma_activation);
  const std::string other = config.text("hidden_act", used);
  if (activation_named(config, "hidden_act", other) != model.activation) {
    config.refuse("hidden_act says \"" + other + "\" and hidden_activation \"" + used +
                      "\", by which transformers goes",
                  "Make hidden_act the same");
  }
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-6);
  model.norm_offset = 1;
  model.norm_after = true;
  model.names.after_attention = "post_attention_layernorm";
  model.names.before_mlp = "pre_feedforward_layernorm";
  model.names.after_mlp = "post_feedforward_layernorm";
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
  model.attention_scale = 1 / std::sqrt(config.positive("query_pre_attn_scalar", 256));
  model.embedding_scale = std::sqrt(static_cast<double>(model.hidden_size));
  if (config.boolean("use_bidirectional_attention", false)) {
    config.refuse(
        "use_bidirectional_attention: later positions would be seen, which no language "
        "model's score is defined for");
  }
}

/// A cap that is missing is the family's, and null is none; 0: none.
double cap_of(const ConfigObject& config, const char* key, double fallback) {
  if (config.find(key) != nullptr) return config.positive(key);
  return config.has(key) ? 0 : fallback;
}

int64_t gemma_window(const ConfigObject& config) {
  return config.has("sliding_window") ? config.size("sliding_window") : 4096;
}

void read_gemma2(const ConfigObject& config, DecoderConfig& model) {
  read_gemma_blocks(config, 8192, model);
  model.attention_cap = cap_of(config, "attn_logit_softcapping", 50);
  model.logit_cap = cap_of(config, "final_logit_softcapping", 30);
  read_one_rope(config, {}, model);
  set_windows(
      windowed_layers(config, model.layers, [](int64_t layer) { return (layer + 1) % 2 != 0; }),
      gemma_window(config), model);
}

/// The rope of layers without a window, and that of layers with one: the latter are never scaled in
/// the older spelling.
std::vector<RopeConfig> gemma3_ropes(const ConfigObject& config) {
  const double global = config.positive("rope_theta", 1000000.0);
  const double local = config.positive("rope_local_base_freq", 10000.0);
  const nlohmann::json* parameters = config.object("rope_parameters");
  if (parameters == nullptr) {
    return {read_rope(config, {.theta = global}), RopeConfig{.theta = local}};
  }
  if (!parameters->contains("full_attention") && !parameters->contains("sliding_attention")) {
    config.refuse("rope_parameters says nothing of full_attention and sliding_attention",
                  "Gemma-3 has a rope for each kind of layer: write it for each");
  }
  std::vector<RopeConfig> ropes;
  for (const std::string kind : {"full_attention", "sliding_attention"}) {
    const RopeConfig plain{.theta = kind == "full_attention" ? global : local};
    const ConfigObject outer(*parameters, config.where(), "rope_parameters.");
    const nlohmann::json* object = outer.object(kind);
    ropes.push_back(
        object == nullptr
            ? plain
            : read_rope_object(
                  ConfigObject(*object, config.where(), "rope_parameters." + kind + "."), plain));
  }
  return ropes;
}

void read_gemma3(const ConfigObject& config, DecoderConfig& model) {
  read_gemma_blocks(config, 131072, model);
  model.query_key_norm = QueryKeyNorm::head;
  model.logit_cap = cap_of(config, "final_logit_softcapping", 0);
  if (config.find("attn_logit_softcapping") != nullptr) {
    config.refuse(
        "attn_logit_softcapping: transformers' Gemma-3 does not obey it, and Gemma-2 "
        "does",
        "Take it out of config.json where the model was trained without it");
  }
  model.ropes = gemma3_ropes(config);
  accept_ropes(config, model);
  std::vector<bool> windowed;
  if (config.find("layer_types") != nullptr) {
    windowed = windowed_layers(config, model.layers, nullptr);
  } else {
    const int64_t pattern = config.size("sliding_window_pattern", 6);
    for (int64_t i = 0; i < model.layers; ++i) windowed.push_back((i + 1) % pattern != 0);
  }
  set_windows(windowed, gemma_window(config), model);
  for (size_t i = 0; i < windowed.size(); ++i) model.attention[i].rope = windowed[i] ? 1 : 0;
}

nlohmann::json describe_gemma(const Family& family, const FamilySizes& sizes) {
  nlohmann::json json = common_json(family, sizes);
  std::vector<std::string> types;
  for (int64_t layer = 0; layer < sizes.layers; ++layer) {
    types.emplace_back((layer + 1) % 2 == 0 ? "full_attention" : "sliding_attention");
  }
  const int64_t head = sizes.hidden / sizes.heads;
  json.update({{"tie_word_embeddings", true},  // there is no other
               {"hidden_activation", gemma_activation},
               {"head_dim", head},
               {"query_pre_attn_scalar", head},
               {"rms_norm_eps", 1e-6},
               {"attention_bias", false},
               {"sliding_window", sizes.window},
               {"layer_types", types}});
  return json;
}

nlohmann::json describe_gemma2(const FamilySizes& sizes) {
  nlohmann::json json = describe_gemma(gemma2(), sizes);
  json.update({{"attn_logit_softcapping", 50.0},
               {"final_logit_softcapping", 30.0},
               {"rope_theta", 10000.0}});
  return json;
}

nlohmann::json describe_gemma3(const FamilySizes& sizes) {
  nlohmann::json json = describe_gemma(gemma3(), sizes);
  json.update({{"rope_theta", 1000000.0}, {"rope_local_base_freq", 10000.0}});
  return json;
}

}  // namespace

const Family& gemma2() {
  static const Family family{.title = "Gemma-2",
                             .architecture = "Gemma2ForCausalLM",
                             .model_type = "gemma2",
                             .read = read_gemma2,
                             .describe = describe_gemma2};
  return family;
}

const Family& gemma3() {
  static const Family family{.title = "Gemma-3",
                             .architecture = "Gemma3ForCausalLM",
                             .model_type = "gemma3_text",
                             .read = read_gemma3,
                             .describe = describe_gemma3};
  return family;
}

}  // namespace explaind
