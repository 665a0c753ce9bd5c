// Qwen-2: Llama with biases on queries, keys and values. Qwen-3 (Marin 32B): a norm over each head
// of queries and keys in their place.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

/// Where use_sliding_window is set, layers from max_window_layers on have a window.
void read_qwen_windows(const ConfigObject& config, DecoderConfig& model) {
  const bool missing = !config.has("sliding_window");
  const int64_t window = !config.boolean("use_sliding_window", false) ? 0
                         : missing                                    ? 4096
                                   : config.size("sliding_window", 0);
  const nlohmann::json* first = config.find("max_window_layers");
  const int64_t from = first == nullptr             ? 28
                       : first->is_number_integer() ? first->get<int64_t>()
                                                    : -1;
  if (from < 0) config.refuse("max_window_layers must be a whole number of at least 0");
  std::vector<bool> windowed;
  if (config.find("layer_types") != nullptr) {
    windowed = windowed_layers(config, model.layers, nullptr);
  } else {
    for (int64_t i = 0; i < model.layers; ++i) windowed.push_back(window > 0 && i >= from);
  }
  set_windows(windowed, window, model);
}

void read_qwen_blocks(const ConfigObject& config, const CommonDefaults& defaults,
                      DecoderConfig& model) {
  read_common(config, defaults, model);
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-6);
  read_one_rope(config, {}, model);
  read_qwen_windows(config, model);
}

void read_qwen2(const ConfigObject& config, DecoderConfig& model) {
  read_qwen_blocks(config, {.max_positions = 32768, .key_value_heads = 32}, model);
  model.query_bias = true;
}

void read_qwen3(const ConfigObject& config, DecoderConfig& model) {
  read_qwen_blocks(config, {.max_positions = 32768, .key_value_heads = 32, .head_dim = 128}, model);
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
  model.query_key_norm = QueryKeyNorm::head;
}

nlohmann::json describe_qwen(const Family& family, const FamilySizes& sizes) {
  nlohmann::json json = common_json(family, sizes);
  json.update({{"hidden_act", "silu"},
               {"rms_norm_eps", 1e-6},
               {"use_sliding_window", false},
               {"rope_theta", 1000000.0}});
  return json;
}

nlohmann::json describe_qwen2(const FamilySizes& sizes) { return describe_qwen(qwen2(), sizes); }

nlohmann::json describe_qwen3(const FamilySizes& sizes) {
  nlohmann::json json = describe_qwen(qwen3(), sizes);
  json.update({{"head_dim", sizes.hidden / sizes.heads}, {"attention_bias", false}});
  return json;
}

}  // namespace

const Family& qwen2() {
  static const Family family{.title = "Qwen-2",
                             .architecture = "Qwen2ForCausalLM",
                             .model_type = "qwen2",
                             .read = read_qwen2,
                             .describe = describe_qwen2};
  return family;
}

const Family& qwen3() {
  static const Family family{.title = "Qwen-3",
                             .architecture = "Qwen3ForCausalLM",
                             .model_type = "qwen3",
                             .read = read_qwen3,
                             .describe = describe_qwen3};
  return family;
}

}  // namespace explaind
