// Llama: EuroLLM, SmolLM2, TinyLlama, Amber, OpenEuroLLM, Lucie, Marin 8B. Pre-norm blocks, grouped
// queries with rotary positions, SwiGLU.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

void read_llama(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {}, model);
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-6);
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
  model.mlp_bias = config.boolean("mlp_bias", false);
  read_one_rope(config, {}, model);
}

nlohmann::json describe_llama(const FamilySizes& sizes) {
  nlohmann::json json = common_json(llama(), sizes);
  json.update({{"hidden_act", "silu"},
               {"head_dim", sizes.hidden / sizes.heads},
               {"rms_norm_eps", 1e-5},
               {"attention_bias", false},
               {"mlp_bias", false},
               {"rope_theta", 10000.0},
               {"rope_scaling", nullptr}});
  return json;
}

}  // namespace

const Family& llama() {
  static const Family family{.title = "Llama",
                             .architecture = "LlamaForCausalLM",
                             .model_type = "llama",
                             .read = read_llama,
                             .describe = describe_llama};
  return family;
}

}  // namespace explaind
