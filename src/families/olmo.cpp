// OLMo: Llama with norms that have no parameters; queries, keys and values may be cut.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

void read_olmo(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {}, model);
  model.norm = NormKind::layer;
  model.norm_epsilon = 1e-5;  // a constant of the code that trained them
  model.norm_gain = false;
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
  if (config.find("clip_qkv") != nullptr) model.query_clip = config.positive("clip_qkv");
  read_one_rope(config, {}, model);
}

nlohmann::json describe_olmo(const FamilySizes& sizes) {
  nlohmann::json json = common_json(olmo(), sizes);
  json.update({{"hidden_act", "silu"},
               {"attention_bias", false},
               {"clip_qkv", 8.0},
               {"rope_theta", 10000.0}});
  return json;
}

}  // namespace

const Family& olmo() {
  static const Family family{.title = "OLMo",
                             .architecture = "OlmoForCausalLM",
                             .model_type = "olmo",
                             .read = read_olmo,
                             .describe = describe_olmo};
  return family;
}

}  // namespace explaind
