#pragma once
// The part of a Hugging Face config.json that fixes a Llama-family network.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace explaind {

enum class RopeType { plain, linear, llama3 };

/// Rotary embedding: inv_freq = theta^(-2i/d), then scaled by type.
struct RopeConfig {
  RopeType type = RopeType::plain;
  double theta = 10000.0;
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  ///< llama3
  double original_max_position_embeddings = 0;           ///< llama3
};

/// Both spellings of the keys are read (transformers 5: rope_parameters, dtype; before: rope_theta,
/// rope_scaling).
struct ModelConfig {
  std::string architecture;  ///< "LlamaForCausalLM"
  int64_t hidden_size = 0, intermediate_size = 0, layers = 0, heads = 0, key_value_heads = 0,
          head_dim = 0;
  int64_t vocabulary = 0, max_positions = 0;
  double rms_norm_eps = 1e-6;
  bool tied = false, attention_bias = false, mlp_bias = false;
  RopeConfig rope;
};

/// `where` names the file in messages. Throws DataError for an architecture, activation or rope
/// type we do not support (named), a missing key, or impossible sizes.
ModelConfig parse_model_config(const nlohmann::json& config, const std::string& where);

/// The config.json that transformers opens with the same meaning (torch_dtype / dtype = `dtype`).
nlohmann::json to_hugging_face(const ModelConfig& config, const std::string& dtype, int64_t bos,
                               int64_t eos);

}  // namespace explaind
