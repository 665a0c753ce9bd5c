#include "families/config_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "families/family.hpp"
#include "families/rope_config.hpp"

namespace explaind {
namespace {

using Json = nlohmann::json;

/// They concern training, generation, files, memory or labels, never the logits in evaluation:
/// dropout is off there, padding is never seen, and weights are used as they are stored, whatever
/// dtype says.
const std::set<std::string> without_effect{"_attn_implementation",
                                           "_sliding_window_pattern",
                                           "attn_pdrop",
                                           "cache_implementation",
                                           "classifier_dropout",
                                           "embd_pdrop",
                                           "gradient_checkpointing",
                                           "n_ctx",
                                           "reorder_and_upcast_attn",
                                           "summary_activation",
                                           "summary_first_dropout",
                                           "summary_proj_to_labels",
                                           "summary_type",
                                           "summary_use_proj",
                                           "_commit_hash",
                                           "_name_or_path",
                                           "attention_dropout",
                                           "attn_implementation",
                                           "bad_words_ids",
                                           "begin_suppress_tokens",
                                           "bos_token_id",
                                           "chunk_size_feed_forward",
                                           "decoder_start_token_id",
                                           "diversity_penalty",
                                           "do_sample",
                                           "dtype",
                                           "early_stopping",
                                           "encoder_no_repeat_ngram_size",
                                           "eos_token_id",
                                           "exponential_decay_length_penalty",
                                           "finetuning_task",
                                           "forced_bos_token_id",
                                           "forced_eos_token_id",
                                           "hidden_dropout",
                                           "hidden_dropout_prob",
                                           "id2label",
                                           "initializer_range",
                                           "is_decoder",
                                           "keys_to_ignore_at_inference",
                                           "label2id",
                                           "length_penalty",
                                           "max_length",
                                           "max_window_layers",
                                           "min_length",
                                           "no_repeat_ngram_size",
                                           "num_beam_groups",
                                           "num_beams",
                                           "num_labels",
                                           "num_return_sequences",
                                           "output_attentions",
                                           "output_hidden_states",
                                           "output_scores",
                                           "pad_token_id",
                                           "prefix",
                                           "pretraining_tp",
                                           "problem_type",
                                           "remove_invalid_values",
                                           "repetition_penalty",
                                           "resid_pdrop",
                                           "return_dict",
                                           "return_dict_in_generate",
                                           "sep_token_id",
                                           "suppress_tokens",
                                           "task_specific_params",
                                           "temperature",
                                           "tf_legacy_loss",
                                           "tokenizer_class",
                                           "top_k",
                                           "top_p",
                                           "torch_dtype",
                                           "torchscript",
                                           "transformers_version",
                                           "typical_p",
                                           "unsloth_fixed",
                                           "unsloth_version",
                                           "use_bfloat16",
                                           "use_cache"};

/// Keys that some network obeys, each with the values (beside null) that leave one that does not
/// know them as it is.
const std::map<std::string, std::vector<Json>>& of_other_networks() {
  static const std::map<std::string, std::vector<Json>> keys{
      // factors on activations
      {"logit_scale", {1}},
      {"logits_scaling", {1}},
      {"logits_scale", {1}},
      {"lm_head_multiplier", {1}},
      {"embedding_multiplier", {1}},
      {"embedding_scale", {1}},
      {"embed_scale", {1}},
      {"scale_emb", {1}},
      {"scale_embedding", {false}},
      {"scale_depth", {}},
      {"dim_model_base", {}},
      {"residual_multiplier", {1}},
      {"residual_scale", {1}},
      {"attention_multiplier", {}},
      {"attn_scale", {}},
      {"query_pre_attn_scalar", {}},
      {"key_multiplier", {1}},
      {"mlp_multipliers", {}},
      {"mup_width_scale", {1}},
      {"scale_attn_weights", {true}},
      {"scale_attn_by_inverse_layer_idx", {false}},
      {"final_logit_softcapping", {}},
      {"attn_logit_softcapping", {}},
      {"logits_soft_cap", {}},
      {"attn_temperature_tuning", {false}},
      // norms and their places
      {"qk_norm", {false}},
      {"use_qk_norm", {false}},
      {"qk_layernorm", {false}},
      {"clip_qkv", {}},
      {"norm_type", {"rmsnorm", "rms_norm", "rms", "RMSNorm"}},
      {"norm_after", {false}},
      {"sandwich_norm", {false}},
      {"parallel_attn", {false}},
      {"parallel_residual", {false}},
      {"use_parallel_residual", {false}},
      {"apply_residual_connection_post_layernorm", {false}},
      // biases
      {"attention_bias", {false}},
      {"mlp_bias", {false}},
      {"bias", {false}},
      {"use_bias", {false}},
      {"qkv_bias", {false}},
      {"use_qkv_bias", {false}},
      {"add_qkv_bias", {false}},
      {"add_bias_linear", {false}},
      {"attention_out_bias", {false}},
      {"lm_head_bias", {false}},
      {"no_bias", {true}},
      // positions
      {"alibi", {false}},
      {"position_embedding_type", {"rope", "rotary"}},
      {"rotary_pct", {1}},
      {"rope_interleave", {false}},
      {"rope_interleaved", {false}},
      {"rope_local_base_freq", {}},
      {"use_rope", {true}},
      {"use_rotary", {true}},
      {"no_rope_layers", {Json::array()}},
      {"no_rope_layer_interval", {0}},
      {"nope_layer_interval", {0}},
      {"use_mrope", {false}},
      // attention
      {"use_sliding_window", {false}},
      {"attention_window", {}},
      {"window_size", {}},
      {"local_attention", {false}},
      {"attention_chunk_size", {}},
      {"is_causal", {true}},
      {"use_bidirectional_attention", {false}},
      {"multi_query", {false}},
      {"kv_lora_rank", {}},
      // layers
      {"hidden_activation", {"silu", "swish"}},
      {"activation_function", {"silu", "swish"}},
      {"hidden_act_param", {}},
      {"num_local_experts", {0}},
      {"num_experts", {0}},
      {"n_routed_experts", {0}},
      {"num_nextn_predict_layers", {0}},
      {"is_encoder_decoder", {false}},
      {"add_cross_attention", {false}},
      {"cross_attention_hidden_size", {}},
      {"tie_encoder_decoder", {false}},
      {"pruned_heads", {Json::object(), Json::array()}},
      {"compression_config", {}},
      {"quantization", {}}};
  return keys;
}

[[noreturn]] void refuse(const ConfigObject& config, const DecoderConfig& model,
                         const std::string& key, const Json& value) {
  std::string shown = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (shown.size() > 60) shown = shown.substr(0, 60) + "…";
  config.refuse(fmt::format("{}: {} asks for a network other than {}'s, which is not supported",
                            key, shown, model.family),
                fmt::format("Where the model was trained without it (transformers' {} reads no "
                            "such key), take the key out of config.json",
                            model.family));
}

bool on(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && !found->is_null() && *found != Json(false);
}

/// A window that some position would feel, where the family has none.
void refuse_window(const ConfigObject& config, const DecoderConfig& model) {
  const Json& json = config.json();
  const bool off = json.value("use_sliding_window", Json(nullptr)) == Json(false);
  if (!config.asked().contains("sliding_window") && on(json, "sliding_window") && !off) {
    const Json positions = json.value("max_position_embeddings", Json(nullptr));
    const Json& window = json["sliding_window"];
    if (!window.is_number() || !positions.is_number() ||
        window.get<double>() < positions.get<double>()) {
      refuse(config, model, "sliding_window", window);
    }
  }
  if (!config.asked().contains("layer_types") && on(json, "layer_types")) {
    const Json& types = json["layer_types"];
    const bool full =
        types.is_array() && std::all_of(types.begin(), types.end(),
                                        [](const Json& t) { return t == Json("full_attention"); });
    if (!full) refuse(config, model, "layer_types", types);
  }
}

/// The norm's epsilon under a name of other networks.
void refuse_other_epsilon(const ConfigObject& config, const DecoderConfig& model) {
  for (const char* key :
       {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon"}) {
    if (config.asked().contains(key) || !on(config.json(), key)) continue;
    if (config.json()[key] != Json(model.norm_epsilon)) {
      refuse(config, model, key, config.json()[key]);
    }
  }
}

bool says_nothing(const Json& value) {
  return value.is_null() || value == Json(false) || value == Json(0) || value == Json("") ||
         ((value.is_array() || value.is_object()) && value.empty());
}

/// The type that a rope object names.
std::string type_of(const Json& rope) {
  const Json type = rope.value("rope_type", rope.value("type", Json("default")));
  return type.is_string() ? type.get<std::string>() : "";
}

void add_unknown_of_rope(const std::string& prefix, const Json& rope,
                         std::vector<std::string>& unknown) {
  for (const auto& [key, value] : rope.items()) {
    if (value.is_object()) {
      add_unknown_of_rope(prefix + key + ".", value, unknown);
    } else if (!says_nothing(value) && !is_rope_key(key, type_of(rope))) {
      unknown.push_back(prefix + key);
    }
  }
}

}  // namespace

void refuse_other_networks(const ConfigObject& config, const DecoderConfig& model) {
  for (const auto& [key, neutral] : of_other_networks()) {
    if (config.asked().contains(key)) continue;
    const auto found = config.json().find(key);
    if (found == config.json().end() || found->is_null()) continue;
    if (std::find(neutral.begin(), neutral.end(), *found) == neutral.end()) {
      refuse(config, model, key, *found);
    }
  }
  refuse_window(config, model);
  refuse_other_epsilon(config, model);
}

std::vector<std::string> unknown_config_keys(const Json& config) {
  static const std::set<std::string> of_special_rules{
      "sliding_window",     "layer_types", "rms_norm_eps", "layer_norm_eps",
      "layer_norm_epsilon", "norm_eps",    "norm_epsilon"};
  std::vector<std::string> unknown;
  if (!config.is_object()) return unknown;
  const ConfigObject keys(config, "config.json");
  DecoderConfig model;
  family_of(keys).read(keys, model);
  for (const auto& [key, value] : config.items()) {
    if (says_nothing(value) || keys.asked().contains(key) || without_effect.contains(key) ||
        of_special_rules.contains(key) || of_other_networks().contains(key) ||
        key == "quantization_config") {
      continue;
    }
    unknown.push_back(key);
  }
  for (const char* object : {"rope_parameters", "rope_scaling"}) {
    const auto found = config.find(object);
    if (found == config.end() || !found->is_object()) continue;
    add_unknown_of_rope(std::string(object) + ".", *found, unknown);
  }
  return unknown;
}

}  // namespace explaind
