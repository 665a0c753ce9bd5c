// OLMo-2 and OLMo-3 (Gaperon too): norms after attention and MLP, and over whole projections of
// queries and keys. OLMo-3 has a window on three layers of four, and scales positions on the others
// alone.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

void read_olmo_blocks(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {}, model);
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-5);
  model.norm_before = false;
  model.norm_after = true;
  model.names.before_attention.clear();
  model.names.after_attention = "post_attention_layernorm";
  model.names.before_mlp.clear();
  model.names.after_mlp = "post_feedforward_layernorm";
  model.query_key_norm = QueryKeyNorm::whole;
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
}

void read_olmo2(const ConfigObject& config, DecoderConfig& model) {
  read_olmo_blocks(config, model);
  read_one_rope(config, {}, model);
}

/// The rope of layers without a window, and that of layers with one.
std::vector<RopeConfig> olmo3_ropes(const ConfigObject& config) {
  const nlohmann::json* parameters = config.object("rope_parameters");
  if (parameters != nullptr && parameters->contains("full_attention")) {
    std::vector<RopeConfig> ropes;
    for (const std::string kind : {"full_attention", "sliding_attention"}) {
      const ConfigObject outer(*parameters, config.where(), "rope_parameters.");
      const nlohmann::json* object = outer.object(kind);
      if (object == nullptr) config.refuse("the key rope_parameters." + kind + " is missing");
      const ConfigObject inner(*object, config.where(), "rope_parameters." + kind + ".");
      ropes.push_back(read_rope_object(inner, {.theta = config.positive("rope_theta", 10000.0)}));
    }
    return ropes;
  }
  const RopeConfig scaled = read_rope(config, {});
  return {scaled, RopeConfig{.theta = scaled.theta, .partial = scaled.partial}};
}

void read_olmo3(const ConfigObject& config, DecoderConfig& model) {
  read_olmo_blocks(config, model);
  model.ropes = olmo3_ropes(config);
  accept_ropes(config, model);
  const std::vector<bool> windowed =
      windowed_layers(config, model.layers, [](int64_t layer) { return (layer + 1) % 4 != 0; });
  const bool missing = !config.has("sliding_window");
  set_windows(windowed, missing ? 4096 : config.size("sliding_window"), model);
  for (size_t i = 0; i < windowed.size(); ++i) model.attention[i].rope = windowed[i] ? 1 : 0;
}

nlohmann::json describe_olmo2(const FamilySizes& sizes) {
  nlohmann::json json = common_json(olmo2(), sizes);
  json.update({{"hidden_act", "silu"},
               {"attention_bias", false},
               {"rms_norm_eps", 1e-6},
               {"rope_theta", 500000.0}});
  return json;
}

nlohmann::json describe_olmo3(const FamilySizes& sizes) {
  nlohmann::json json = describe_olmo2(sizes);
  std::vector<std::string> types;
  for (int64_t layer = 0; layer < sizes.layers; ++layer) {
    types.emplace_back((layer + 1) % 2 == 0 ? "full_attention" : "sliding_attention");
  }
  json.update({{"architectures", nlohmann::json::array({olmo3().architecture})},
               {"model_type", olmo3().model_type},
               {"sliding_window", sizes.window},
               {"layer_types", types}});
  return json;
}

}  // namespace

const Family& olmo2() {
  static const Family family{.title = "OLMo-2",
                             .architecture = "Olmo2ForCausalLM",
                             .model_type = "olmo2",
                             .read = read_olmo2,
                             .describe = describe_olmo2};
  return family;
}

const Family& olmo3() {
  static const Family family{.title = "OLMo-3",
                             .architecture = "Olmo3ForCausalLM",
                             .model_type = "olmo3",
                             .read = read_olmo3,
                             .describe = describe_olmo3};
  return family;
}

}  // namespace explaind
