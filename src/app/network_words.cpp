#include "app/network_words.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "core/counted.hpp"

namespace explaind {
namespace {

/// The first of the keys that the config has, as architectures call it differently.
std::optional<int64_t> number_in(const nlohmann::json& config,
                                 std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_number_integer()) return found->get<int64_t>();
  }
  return std::nullopt;
}

}  // namespace

std::string network_of(const nlohmann::json& config) {
  const auto named = config.find("architectures");
  const bool listed =
      named != config.end() && named->is_array() && !named->empty() && named->front().is_string();
  std::string text = listed ? named->front().get<std::string>() : "no architecture named";
  if (const auto type = config.find("model_type"); type != config.end() && type->is_string()) {
    text += fmt::format(" ({})", type->get<std::string>());
  }
  if (const auto n =
          number_in(config, {"num_hidden_layers", "n_layer", "n_layers", "num_layers"})) {
    text += ", " + counted(*n, "layer");
  }
  if (const auto n = number_in(config, {"hidden_size", "n_embd", "d_model"})) {
    text += fmt::format(", hidden size {}", *n);
  }
  if (const auto n = number_in(config, {"num_attention_heads", "n_head", "n_heads"})) {
    text += ", " + counted(*n, "head");
    text +=
        ", " + counted(number_in(config, {"num_key_value_heads"}).value_or(*n), "key-value head");
  }
  if (const auto n = number_in(config, {"vocab_size"})) text += fmt::format(", vocabulary {}", *n);
  const auto tied = config.find("tie_word_embeddings");
  if (tied != config.end() && tied->is_boolean()) text += tied->get<bool>() ? ", tied" : ", untied";
  return text;
}

}  // namespace explaind
