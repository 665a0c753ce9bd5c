// Apertus: an MLP without a gate whose activation, xIELU, is learned; a norm over each head of
// queries and keys; names of its own for the norms.

#include "families/common_keys.hpp"

namespace explaind {
namespace {

/// What transformers takes where config.json says nothing of positions.
RopeConfig published_rope() {
  return {.type = RopeType::llama3,
          .theta = 12000000.0,
          .factor = 8,
          .low_freq_factor = 1,
          .high_freq_factor = 4,
          .original_max_position_embeddings = 8192};
}

void read_apertus(const ConfigObject& config, DecoderConfig& model) {
  read_common(config, {.max_positions = 65536, .activation = "xielu"}, model);
  model.norm_epsilon = config.positive("rms_norm_eps", 1e-5);
  model.query_bias = model.output_bias = config.boolean("attention_bias", false);
  model.query_key_norm = QueryKeyNorm::head;
  model.gated = false;
  model.names.before_attention = "attention_layernorm";
  model.names.before_mlp = "feedforward_layernorm";
  model.names.gate.clear();
  read_one_rope(config, {.theta = 12000000.0}, model);
  if (config.find("rope_parameters") == nullptr && config.find("rope_scaling") == nullptr &&
      config.find("rope_theta") == nullptr) {
    model.ropes = {published_rope()};
  }
}

nlohmann::json describe_apertus(const FamilySizes& sizes) {
  nlohmann::json json = common_json(apertus(), sizes);
  json.update({{"hidden_act", "xielu"},
               {"rms_norm_eps", 1e-5},
               {"attention_bias", false},
               {"rope_theta", 12000000.0},
               {"rope_scaling",
                {{"rope_type", "llama3"},
                 {"factor", 8.0},
                 {"low_freq_factor", 1.0},
                 {"high_freq_factor", 4.0},
                 {"original_max_position_embeddings", 64}}}});
  return json;
}

}  // namespace

const Family& apertus() {
  static const Family family{.title = "Apertus",
                             .architecture = "ApertusForCausalLM",
                             .model_type = "apertus",
                             .read = read_apertus,
                             .describe = describe_apertus};
  return family;
}

}  // namespace explaind
