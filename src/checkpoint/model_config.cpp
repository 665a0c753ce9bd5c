#include "checkpoint/model_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "checkpoint/config_keys.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using Json = nlohmann::json;

/// transformers' LlamaConfig default.
constexpr int64_t default_max_positions = 2048;

/// Typed access to an object of the config; a key that is null counts as absent, as in
/// transformers.
class Keys {
 public:
  Keys(const Json& object, std::string where, std::string prefix = "")
      : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {}

  [[nodiscard]] const Json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  [[nodiscard]] int64_t size(const std::string& key) const { return size(require(key), key); }
  [[nodiscard]] int64_t size(const std::string& key, int64_t fallback) const {
    const Json* value = find(key);
    return value == nullptr ? fallback : size(*value, key);
  }

  [[nodiscard]] double positive(const std::string& key) const {
    return positive(require(key), key);
  }
  [[nodiscard]] double positive(const std::string& key, double fallback) const {
    const Json* value = find(key);
    return value == nullptr ? fallback : positive(*value, key);
  }

  [[nodiscard]] bool boolean(const std::string& key, bool fallback) const {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) fail(key, "must be true or false", *value);
    return value->get<bool>();
  }

  [[nodiscard]] std::string text(const std::string& key, const std::string& fallback) const {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_string()) fail(key, "must be a string", *value);
    return value->get<std::string>();
  }

  /// The object under `key`; nothing where it is absent.
  [[nodiscard]] const Json* object(const std::string& key) const {
    const Json* value = find(key);
    if (value != nullptr && !value->is_object()) fail(key, "must be an object", *value);
    return value;
  }

  [[noreturn]] void refuse(const std::string& problem, const std::string& remedy = "") const {
    throw DataError(where_, problem, remedy);
  }

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& rule, const Json& value) const {
    std::string shown = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (shown.size() > 60) shown = shown.substr(0, 60) + "…";
    throw DataError(where_, prefix_ + key + " " + rule + ", not " + shown);
  }

  [[nodiscard]] const Json& require(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) throw DataError(where_, "the key " + prefix_ + key + " is missing");
    return *value;
  }

  [[nodiscard]] int64_t size(const Json& value, const std::string& key) const {
    // Products of two sizes must stay within 64 bits.
    constexpr int64_t limit = std::numeric_limits<int32_t>::max();
    const bool fits = value.is_number_unsigned()
                          ? value.get<uint64_t>() <= static_cast<uint64_t>(limit)
                          : value.is_number_integer() && value.get<int64_t>() <= limit;
    if (!fits || value.get<int64_t>() < 1) fail(key, "must be a positive 32-bit integer", value);
    return value.get<int64_t>();
  }

  [[nodiscard]] double positive(const Json& value, const std::string& key) const {
    if (!value.is_number() || !(value.get<double>() > 0) || !std::isfinite(value.get<double>())) {
      fail(key, "must be a positive number", value);
    }
    return value.get<double>();
  }

  const Json& object_;
  std::string where_, prefix_;
};

void read_scaling(const Keys& keys, const std::string& prefix, RopeConfig& rope,
                  int64_t top_level_original) {
  const std::string type = keys.text("rope_type", keys.text("type", "default"));
  if (type == "default") return;
  if (type == "linear") {
    rope.type = RopeType::linear;
    rope.factor = keys.positive("factor");
  } else if (type == "llama3") {
    rope.type = RopeType::llama3;
    rope.factor = keys.positive("factor");
    rope.low_freq_factor = keys.positive("low_freq_factor");
    rope.high_freq_factor = keys.positive("high_freq_factor");
    rope.original_max_position_embeddings =
        top_level_original > 0 && keys.find("original_max_position_embeddings") == nullptr
            ? static_cast<double>(top_level_original)
            : keys.positive("original_max_position_embeddings");
    if (rope.high_freq_factor <= rope.low_freq_factor) {
      keys.refuse(prefix + "high_freq_factor must be larger than low_freq_factor");
    }
  } else {
    keys.refuse("the rope type \"" + type + "\" (" + prefix + "rope_type) is not supported",
                "Supported are: default, linear, llama3");
  }
}

/// partial_rotary_factor other than 1 turns only a part of each head; Llama turns all of it.
void refuse_partial(const Keys& keys) {
  if (keys.positive("partial_rotary_factor", 1.0) != 1.0) {
    keys.refuse("partial_rotary_factor other than 1 is not supported");
  }
}

RopeConfig read_rope(const Keys& keys, const std::string& where) {
  RopeConfig rope;
  rope.theta = keys.positive("rope_theta", rope.theta);
  refuse_partial(keys);
  const int64_t original = keys.size("original_max_position_embeddings", 0);
  const Json* scaling = keys.object("rope_scaling");
  const Json* parameters = keys.object("rope_parameters");
  if (scaling != nullptr && parameters != nullptr && *scaling != *parameters) {
    keys.refuse("rope_scaling and rope_parameters differ",
                "Keep the one the model was trained with");
  }
  const std::string prefix = parameters != nullptr ? "rope_parameters." : "rope_scaling.";
  const Json* object = parameters != nullptr ? parameters : scaling;
  if (object == nullptr) return rope;
  const Keys inner(*object, where, prefix);
  if (keys.find("rope_theta") != nullptr && inner.find("rope_theta") != nullptr &&
      rope.theta != inner.positive("rope_theta")) {
    keys.refuse(fmt::format("rope_theta is {} and {}rope_theta {}", rope.theta, prefix,
                            inner.positive("rope_theta")),
                "Keep the one the model was trained with");
  }
  rope.theta = inner.positive("rope_theta", rope.theta);
  refuse_partial(inner);
  for (const auto& [key, value] : object->items()) {
    if (value.is_object()) {
      keys.refuse(prefix + key + " is an object: a rope type per kind of layer is not supported");
    }
  }
  read_scaling(inner, prefix, rope, original);
  return rope;
}

std::string read_architecture(const Keys& keys) {
  std::string name;
  if (const Json* list = keys.find("architectures"); list != nullptr) {
    if (!list->is_array() || list->size() != 1 || !list->front().is_string()) {
      keys.refuse("architectures must be a list of one name");
    }
    name = list->front().get<std::string>();
  } else {
    const std::string type = keys.text("model_type", "");
    if (type.empty()) keys.refuse("the key architectures is missing");
    name = type == "llama" ? "LlamaForCausalLM" : type;
  }
  if (const std::string type = keys.text("model_type", "llama");
      name == "LlamaForCausalLM" && type != "llama") {
    keys.refuse("architectures says LlamaForCausalLM and model_type \"" + type + "\"",
                "transformers goes by model_type: make it \"llama\" where that is right");
  }
  if (name != "LlamaForCausalLM") {
    keys.refuse("the architecture \"" + name + "\" is not supported",
                "Supported is: LlamaForCausalLM");
  }
  return name;
}

void read_attention_shape(const Keys& keys, ModelConfig& model) {
  model.heads = keys.size("num_attention_heads");
  model.key_value_heads = keys.size("num_key_value_heads", model.heads);
  if (model.heads % model.key_value_heads != 0) {
    keys.refuse(
        fmt::format("num_attention_heads ({}) must be a multiple of num_key_value_heads "
                    "({})",
                    model.heads, model.key_value_heads));
  }
  model.head_dim = keys.size("head_dim", 0);
  if (model.head_dim == 0) {
    if (model.hidden_size % model.heads != 0) {
      keys.refuse(
          fmt::format("hidden_size ({}) must be a multiple of num_attention_heads ({}), or "
                      "head_dim be given",
                      model.hidden_size, model.heads));
    }
    model.head_dim = model.hidden_size / model.heads;
  }
  if (model.head_dim % 2 != 0) {
    keys.refuse(
        fmt::format("head_dim ({}) must be even: rotary embedding turns pairs", model.head_dim));
  }
}

const char* rope_name(RopeType type) {
  switch (type) {
    case RopeType::plain:
      return "default";
    case RopeType::linear:
      return "linear";
    case RopeType::llama3:
      break;
  }
  return "llama3";
}

}  // namespace

ModelConfig parse_model_config(const Json& config, const std::string& where) {
  if (!config.is_object()) throw DataError(where, "is not a JSON object");
  const Keys keys(config, where);
  ModelConfig model;
  model.architecture = read_architecture(keys);
  if (keys.find("quantization_config") != nullptr) {
    keys.refuse("quantised weights (quantization_config) are not supported",
                "Name the checkpoint before quantisation");
  }
  const std::string activation = keys.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    keys.refuse("the activation \"" + activation + "\" (hidden_act) is not supported",
                "Supported is: silu");
  }
  refuse_other_networks(config, where);
  model.hidden_size = keys.size("hidden_size");
  model.intermediate_size = keys.size("intermediate_size");
  model.layers = keys.size("num_hidden_layers");
  model.vocabulary = keys.size("vocab_size");
  model.max_positions = keys.size("max_position_embeddings", default_max_positions);
  read_attention_shape(keys, model);
  model.rms_norm_eps = keys.positive("rms_norm_eps", model.rms_norm_eps);
  model.tied = keys.boolean("tie_word_embeddings", false);
  model.attention_bias = keys.boolean("attention_bias", false);
  model.mlp_bias = keys.boolean("mlp_bias", false);
  model.rope = read_rope(keys, where);
  return model;
}

bool is_unused(const ModelConfig& model, const std::string& tensor) {
  // Tables and masks that a program keeps among its tensors, and computes again.
  constexpr std::array<std::string_view, 8> buffers{
      "rotary_emb.inv_freq",   "rotary_emb.original_inv_freq",
      "rotary_emb.cos_cached", "rotary_emb.sin_cached",
      "._extra_state",         ".masked_bias",
      ".causal_mask",          ".position_ids"};
  const bool buffer = std::any_of(buffers.begin(), buffers.end(),
                                  [&](std::string_view end) { return tensor.ends_with(end); });
  return (model.tied && tensor == "lm_head.weight") || buffer;
}

std::vector<std::string> config_differences(const ModelConfig& a, const ModelConfig& b) {
  std::vector<std::string> found;
  const auto compare = [&](const char* key, const auto& left, const auto& right) {
    if (left != right) found.push_back(fmt::format("{}: {} here, {} there", key, left, right));
  };
  compare("architectures", a.architecture, b.architecture);
  compare("hidden_size", a.hidden_size, b.hidden_size);
  compare("intermediate_size", a.intermediate_size, b.intermediate_size);
  compare("num_hidden_layers", a.layers, b.layers);
  compare("num_attention_heads", a.heads, b.heads);
  compare("num_key_value_heads", a.key_value_heads, b.key_value_heads);
  compare("head_dim", a.head_dim, b.head_dim);
  compare("vocab_size", a.vocabulary, b.vocabulary);
  compare("rms_norm_eps", a.rms_norm_eps, b.rms_norm_eps);
  compare("tie_word_embeddings", a.tied, b.tied);
  compare("attention_bias", a.attention_bias, b.attention_bias);
  compare("mlp_bias", a.mlp_bias, b.mlp_bias);
  compare("rope_type", std::string(rope_name(a.rope.type)), std::string(rope_name(b.rope.type)));
  compare("rope_theta", a.rope.theta, b.rope.theta);
  compare("rope factor", a.rope.factor, b.rope.factor);
  compare("rope low_freq_factor", a.rope.low_freq_factor, b.rope.low_freq_factor);
  compare("rope high_freq_factor", a.rope.high_freq_factor, b.rope.high_freq_factor);
  compare("rope original_max_position_embeddings", a.rope.original_max_position_embeddings,
          b.rope.original_max_position_embeddings);
  return found;
}

Json to_hugging_face(const ModelConfig& config, const std::string& dtype, int64_t bos,
                     int64_t eos) {
  Json scaling = nullptr;
  if (config.rope.type != RopeType::plain) {
    scaling = {{"rope_type", rope_name(config.rope.type)}, {"factor", config.rope.factor}};
  }
  if (config.rope.type == RopeType::llama3) {
    scaling["low_freq_factor"] = config.rope.low_freq_factor;
    scaling["high_freq_factor"] = config.rope.high_freq_factor;
    // transformers wants an integer here.
    scaling["original_max_position_embeddings"] =
        std::llround(config.rope.original_max_position_embeddings);
  }
  const auto token = [](int64_t id) { return id < 0 ? Json(nullptr) : Json(id); };
  // transformers 5 reads this older spelling (rope_theta, rope_scaling, torch_dtype) too;
  // transformers 4 reads no other.
  return {{"architectures", Json::array({config.architecture})},
          {"model_type", "llama"},
          {"hidden_act", "silu"},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"num_hidden_layers", config.layers},
          {"num_attention_heads", config.heads},
          {"num_key_value_heads", config.key_value_heads},
          {"head_dim", config.head_dim},
          {"vocab_size", config.vocabulary},
          {"max_position_embeddings", config.max_positions},
          {"rms_norm_eps", config.rms_norm_eps},
          {"tie_word_embeddings", config.tied},
          {"attention_bias", config.attention_bias},
          {"attention_dropout", 0.0},
          {"mlp_bias", config.mlp_bias},
          {"rope_theta", config.rope.theta},
          {"rope_scaling", scaling},
          {"initializer_range", 0.02},
          {"use_cache", true},
          {"bos_token_id", token(bos)},
          {"eos_token_id", token(eos)},
          {"torch_dtype", dtype}};
}

}  // namespace explaind
