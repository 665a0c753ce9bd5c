// Mistral: Llama, each position with a window.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

void read_mistral(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {.max_positions = 131072, .key_value_heads = 8}, model);
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-6);
  read_one_rope(config, {}, model);
  const bool missing = !config.has("sliding_window");
  const int64_t window = missing ? 4096 : config.size("sliding_window", 0);
  const std::vector<bool> all(static_cast<size_t>(model.layers), window > 0);
  set_windows(all, window, model);
}

nlohmann::json describe_mistral(const FamilySizes& sizes) {
  nlohmann::json json = common_json(mistral(), sizes);
  json.update({{"hidden_act", "silu"},
               {"head_dim", sizes.hidden / sizes.heads},
               {"rms_norm_eps", 1e-5},
               {"sliding_window", sizes.window},
               {"rope_theta", 10000.0}});
  return json;
}

}  // namespace

const Family& mistral() {
  static const Family family{.title = "Mistral",
                             .architecture = "MistralForCausalLM",
                             .model_type = "mistral",
                             .read = read_mistral,
                             .describe = describe_mistral};
  return family;
}

}  // namespace explaind
