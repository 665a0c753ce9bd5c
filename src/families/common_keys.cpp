#include "families/common_keys.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace explaind {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<const char*, MlpActivation>, 8> activations{
    {{"silu", MlpActivation::silu},
     {"swish", MlpActivation::silu},
     {"gelu", MlpActivation::gelu},
     {"gelu_new", MlpActivation::gelu_tanh},
     {"gelu_pytorch_tanh", MlpActivation::gelu_tanh},
     {"gelu_fast", MlpActivation::gelu_tanh},
     {"relu", MlpActivation::relu},
     {"xielu", MlpActivation::xielu}}};

void read_heads(const ConfigObject& config, const CommonDefaults& defaults, DecoderConfig& model) {
  model.heads = config.size("num_attention_heads");
  const bool missing = !config.has("num_key_value_heads");
  model.key_value_heads =
      config.size("num_key_value_heads",
                  missing && defaults.key_value_heads > 0 ? defaults.key_value_heads : model.heads);
  if (model.heads % model.key_value_heads != 0) {
    config.refuse(
        fmt::format("num_attention_heads ({}) must be a multiple of num_key_value_heads ({})",
                    model.heads, model.key_value_heads));
  }
  const bool no_key = !config.has("head_dim");
  model.head_dim = config.size("head_dim", no_key && defaults.head_dim > 0 ? defaults.head_dim : 0);
  if (model.head_dim > 0) return;
  if (model.hidden_size % model.heads != 0) {
    config.refuse(
        fmt::format("hidden_size ({}) must be a multiple of num_attention_heads ({}), or "
                    "head_dim be given",
                    model.hidden_size, model.heads));
  }
  model.head_dim = model.hidden_size / model.heads;
}

}  // namespace

MlpActivation activation_named(const ConfigObject& config, const std::string& key,
                               const std::string& fallback) {
  const std::string name = config.text(key, fallback);
  for (const auto& [word, function] : activations) {
    if (name == word) return function;
  }
  config.refuse("the activation \"" + name + "\" (" + key + ") is not supported",
                "Supported are: silu, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, xielu");
}

void require_layers(const ConfigObject& config, int64_t layers) {
  constexpr int64_t most = 10000;
  if (layers <= most) return;
  config.refuse(fmt::format("{} layers are more than any network has", layers),
                fmt::format("At most {} are read: look whether config.json is damaged", most));
}

void read_common(const ConfigObject& config, const CommonDefaults& defaults, DecoderConfig& model) {
  model.activation = activation_named(config, defaults.activation_key, defaults.activation);
  model.hidden_size = config.size("hidden_size");
  model.intermediate_size = config.size("intermediate_size");
  model.layers = config.size("num_hidden_layers");
  require_layers(config, model.layers);
  model.vocabulary = config.size("vocab_size");
  model.max_positions = config.size("max_position_embeddings", defaults.max_positions);
  read_heads(config, defaults, model);
  model.tied = config.boolean("tie_word_embeddings", defaults.tied);
}

void accept_ropes(const ConfigObject& config, DecoderConfig& model) {
  for (const RopeConfig& rope : model.ropes) {
    if (rope.type == RopeType::dynamic) model.positions_end = true;
    if (rope.partial > 1) config.refuse("partial_rotary_factor must not be larger than 1");
    const auto turned = static_cast<int64_t>(static_cast<double>(model.head_dim) * rope.partial);
    if (turned % 2 == 0 && turned > 0) continue;
    config.refuse(turned == model.head_dim
                      ? fmt::format("head_dim ({}) must be even: rotary embedding turns pairs",
                                    model.head_dim)
                      : fmt::format("{} of a head's {} coordinates would be turned: rotary "
                                    "embedding turns pairs",
                                    turned, model.head_dim));
  }
}

void read_one_rope(const ConfigObject& config, const RopeDefaults& defaults, DecoderConfig& model) {
  model.ropes = {read_rope(config, defaults)};
  accept_ropes(config, model);
}

std::vector<bool> windowed_layers(const ConfigObject& config, int64_t layers,
                                  bool (*fallback)(int64_t layer)) {
  std::vector<bool> windowed;
  const Json* types = config.find("layer_types");
  if (types == nullptr) {
    for (int64_t layer = 0; layer < layers; ++layer) windowed.push_back(fallback(layer));
    return windowed;
  }
  if (!types->is_array() || static_cast<int64_t>(types->size()) != layers) {
    config.refuse(
        fmt::format("layer_types must be a list of a word for each of {} layers", layers));
  }
  for (const Json& type : *types) {
    if (type != Json("sliding_attention") && type != Json("full_attention")) {
      config.refuse(fmt::format("layer_types: {} is not supported",
                                type.dump(-1, ' ', false, Json::error_handler_t::replace)),
                    "Supported are: full_attention, sliding_attention");
    }
    windowed.push_back(type == Json("sliding_attention"));
  }
  return windowed;
}

void set_windows(const std::vector<bool>& windowed, int64_t window, DecoderConfig& model) {
  model.attention.assign(windowed.size(), {});
  for (size_t i = 0; i < windowed.size(); ++i) {
    if (windowed[i]) model.attention[i].window = window;
  }
}

Json common_json(const Family& family, const FamilySizes& sizes) {
  return {{"architectures", Json::array({family.architecture})},
          {"model_type", family.model_type},
          {"hidden_size", sizes.hidden},
          {"intermediate_size", sizes.intermediate},
          {"num_hidden_layers", sizes.layers},
          {"num_attention_heads", sizes.heads},
          {"num_key_value_heads", sizes.key_value_heads},
          {"vocab_size", sizes.vocabulary},
          {"max_position_embeddings", sizes.positions},
          {"tie_word_embeddings", sizes.tied},
          {"attention_dropout", 0.0},
          {"initializer_range", 0.02},
          {"use_cache", true}};
}

}  // namespace explaind
