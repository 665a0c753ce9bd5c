// SmolLM-3: Llama, tied; every fourth layer turns nothing.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

/// Whether layer i turns queries and keys: no_rope_layers has 1 where it does.
std::vector<bool> turned_layers(const ConfigObject& config, int64_t layers) {
  std::vector<bool> turned;
  const nlohmann::json* listed = config.find("no_rope_layers");
  const int64_t interval = config.size("no_rope_layer_interval", 4);  // of no effect beside a list
  if (listed == nullptr) {
    for (int64_t layer = 0; layer < layers; ++layer) turned.push_back((layer + 1) % interval != 0);
    return turned;
  }
  if (!listed->is_array() || static_cast<int64_t>(listed->size()) < layers) {
    config.refuse("no_rope_layers must be a list with 0 or 1 for each layer");
  }
  for (int64_t layer = 0; layer < layers; ++layer) {
    const nlohmann::json& each = (*listed)[static_cast<size_t>(layer)];
    if (each != nlohmann::json(0) && each != nlohmann::json(1)) {
      config.refuse("no_rope_layers must be a list with 0 or 1 for each layer");
    }
    turned.push_back(each == nlohmann::json(1));
  }
  return turned;
}

void read_smollm3(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {.max_positions = 32768, .key_value_heads = 4, .tied = true}, model);
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-6);
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
  model.mlp_bias = config.boolean("mlp_bias", false);
  read_one_rope(config, {.theta = 2000000.0}, model);
  const std::vector<bool> turned = turned_layers(config, model.layers);
  const int64_t window =
      config.boolean("use_sliding_window", false) ? config.size("sliding_window", 0) : 0;
  std::vector<bool> windowed(turned.size());
  if (config.find("layer_types") != nullptr) {
    windowed = windowed_layers(config, model.layers, nullptr);
  } else {
    for (size_t i = 0; i < turned.size(); ++i) windowed[i] = window > 0 && !turned[i];
  }
  set_windows(windowed, window, model);
  for (size_t i = 0; i < turned.size(); ++i) model.attention[i].rope = turned[i] ? 0 : -1;
}

nlohmann::json describe_smollm3(const FamilySizes& sizes) {
  nlohmann::json json = common_json(smollm3(), sizes);
  std::vector<int> turned;
  for (int64_t layer = 0; layer < sizes.layers; ++layer)
    turned.push_back((layer + 1) % 2 == 0 ? 0 : 1);
  json.update({{"hidden_act", "silu"},
               {"rms_norm_eps", 1e-6},
               {"attention_bias", false},
               {"mlp_bias", false},
               {"no_rope_layers", turned},
               {"use_sliding_window", false},
               {"pad_token_id", nullptr},  // transformers' own lies beyond a small vocabulary
               {"rope_theta", 50000.0}});
  return json;
}

}  // namespace

const Family& smollm3() {
  static const Family family{.title = "SmolLM-3",
                             .architecture = "SmolLM3ForCausalLM",
                             .model_type = "smollm3",
                             .read = read_smollm3,
                             .describe = describe_smollm3};
  return family;
}

}  // namespace explaind
