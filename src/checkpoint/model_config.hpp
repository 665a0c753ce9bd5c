#pragma once
// The part of a Hugging Face config.json that fixes a Llama-family network.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace explaind {

enum class RopeType { plain, linear, llama3 };

/// Rotary embedding: inv_freq = theta^(-2i/d), then scaled by type.
struct RopeConfig {
  RopeType type = RopeType::plain;
  double theta = 10000.0;
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  ///< llama3
  double original_max_position_embeddings = 0;           ///< llama3

  bool operator==(const RopeConfig&) const = default;
};

/// Both spellings of the keys are read (transformers 5: rope_parameters, dtype; before: rope_theta,
/// rope_scaling).
struct ModelConfig {
  std::string architecture;  ///< "LlamaForCausalLM"
  int64_t hidden_size = 0, intermediate_size = 0, layers = 0, heads = 0, key_value_heads = 0,
          head_dim = 0;
  int64_t vocabulary = 0;
  int64_t max_positions = 0;  ///< longest sample; the network itself does not use it
  double rms_norm_eps = 1e-6;
  bool tied = false, attention_bias = false, mlp_bias = false;
  RopeConfig rope;

  bool operator==(const ModelConfig&) const = default;
};

/// `where` names the file in messages. Keys that transformers lets default do so here with the same
/// value (num_key_value_heads, head_dim, rms_norm_eps, rope_theta, max_position_embeddings,
/// hidden_act, biases, tying); the sizes must be given.
///
/// Throws DataError for an architecture, activation or rope type we do not support (named),
/// quantised weights, a key that asks for another network (config_keys.hpp), a missing key, a value
/// of the wrong type, or impossible sizes.
ModelConfig parse_model_config(const nlohmann::json& config, const std::string& where);

/// True for a tensor that a checkpoint may hold although the network does not use it: a tied
/// matrix's second copy, and rotary tables, which old versions of transformers wrote.
bool is_unused(const ModelConfig& model, const std::string& tensor);

/// "hidden_size: 64 here, 32 there" for every key in which the networks of `a` and `b` differ, in
/// Hugging Face's names; empty where they are the same.
std::vector<std::string> config_differences(const ModelConfig& a, const ModelConfig& b);

/// The config.json that transformers 4 and 5 open with the same meaning. dtype: "float32",
/// "float16" or "bfloat16"; bos, eos: token ids, −1 for none.
nlohmann::json to_hugging_face(const ModelConfig& config, const std::string& dtype, int64_t bos,
                               int64_t eos);

}  // namespace explaind
