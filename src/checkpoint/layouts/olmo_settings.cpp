#include "checkpoint/layouts/olmo_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"

namespace explaind {
namespace {

using nlohmann::json;

const json& entry(const json& object, const std::string& key) {
  static const json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

/// A number that is one, and not beyond all sizes.
std::optional<double> number_in(const json& object, const std::string& key) {
  const json& value = entry(object, key);
  constexpr double most = 1e15;
  if (!value.is_number() || !(std::abs(value.get<double>()) < most)) return std::nullopt;
  return value.get<double>();
}

class OlmoSchedule {
 public:
  OlmoSchedule(const json& settings, const OlmoProgress& progress, std::string where)
      : settings_(settings),
        schedule_(entry(settings, "scheduler")),
        progress_(progress),
        where_(std::move(where)) {}

  [[nodiscard]] double rate(int64_t step) const {
    const double initial = require(entry(settings_, "optimizer"), "learning_rate");
    const json& name = entry(schedule_, "name");
    const std::string kind = name.is_string() ? name.get<std::string>() : "";
    if (kind == "constant") return initial;
    const double now = at(step), warmup = std::trunc(require(schedule_, "t_warmup"));
    if (now < warmup) {
      const double least = number_in(schedule_, "warmup_min_lr").value_or(initial * 0.10);
      return least + (initial - least) * std::min(now, warmup) / warmup;
    }
    if (kind == "constant_with_warmup") return initial;
    if (kind == "inverse_sqrt_with_warmup") {
      return initial * std::sqrt(warmup / std::max(warmup, now));
    }
    const double last = end(), least = initial * require(schedule_, "alpha_f");
    if (now >= last) return least;
    const double done = now - warmup, all = last - warmup;
    const double cosine = (initial - least) * (1 + std::cos(std::numbers::pi * done / all)) / 2;
    if (kind == "cosine_with_warmup") return least + cosine;
    if (kind == "linear_with_warmup") return initial - (initial - least) * (done / all);
    if (kind == "cosine_linear_envelope") return least + (1 - done / all) * cosine;
    refuse("its schedule " + (kind.empty() ? "has no name" : kind + " is not known"));
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(where_,
                    problem +
                        ", and optim.pt has the learning rate of the last step alone, not of "
                        "the next",
                    "Leave out --source steps: the change of weights alone needs no optimizer "
                    "state");
  }
  [[nodiscard]] double require(const json& object, const std::string& key) const {
    const auto value = number_in(object, key);
    if (!value) refuse("does not say " + key);
    return *value;
  }
  [[nodiscard]] bool in_tokens() const { return entry(schedule_, "units") == json("tokens"); }
  [[nodiscard]] double tokens_per_batch() const {
    return require(settings_, "global_train_batch_size") *
           require(entry(settings_, "model"), "max_sequence_length");
  }
  [[nodiscard]] double at(int64_t step) const {
    if (!in_tokens()) return static_cast<double>(step);
    return static_cast<double>(progress_.tokens) +
           static_cast<double>(step - progress_.step) * tokens_per_batch();
  }
  /// Where the schedule ends: t_max, else the training's length in steps or tokens (2e12T).
  [[nodiscard]] double end() const {
    if (const auto given = number_in(schedule_, "t_max")) return std::trunc(*given);
    const json& duration = entry(settings_, "max_duration");
    if (duration.is_number()) {
      const double steps = std::trunc(duration.get<double>());
      if (!in_tokens()) return steps;
      const double left = std::max(steps - static_cast<double>(progress_.step), 0.0);
      return static_cast<double>(progress_.tokens) + left * tokens_per_batch();
    }
    const std::string text = duration.is_string() ? duration.get<std::string>() : "";
    if (!text.ends_with('T')) refuse("does not say how long the training is in steps or tokens");
    double tokens = 0;
    try {
      size_t end = 0;
      tokens = std::trunc(std::stod(text, &end));
      if (text.find_first_not_of(' ', end) + 1 != text.size()) throw std::invalid_argument(text);
    } catch (const std::exception&) {
      refuse("its max_duration is \"" + text + "\"");
    }
    if (in_tokens()) return tokens;
    const double left = std::max(tokens - static_cast<double>(progress_.tokens), 0.0);
    return static_cast<double>(progress_.step) + std::ceil(left / tokens_per_batch());
  }

  const json& settings_;
  const json& schedule_;
  OlmoProgress progress_;
  std::string where_;
};

bool is(const json& object, const std::string& key, const json& value) {
  return entry(object, key) == value;
}
/// Absent or null, or of that value.
bool at_most(const json& object, const std::string& key, const json& value) {
  return entry(object, key).is_null() || is(object, key, value);
}

}  // namespace

std::optional<json> olmo_config(const json& settings) {
  const json& model = entry(settings, "model");
  const auto width = number_in(model, "d_model"), heads = number_in(model, "n_heads"),
             layers = number_in(model, "n_layers"),
             positions = number_in(model, "max_sequence_length");
  auto vocabulary = number_in(model, "embedding_size");
  if (!vocabulary) vocabulary = number_in(model, "vocab_size");
  if (!width || !heads || !layers || !positions || !vocabulary || !is(model, "rope", true) ||
      !at_most(model, "alibi", false) || !at_most(model, "activation_type", "swiglu") ||
      !at_most(model, "block_type", "sequential") || !is(model, "include_bias", false) ||
      !at_most(model, "embedding_layer_norm", false) || !at_most(model, "scale_logits", false) ||
      !entry(model, "weight_tying").is_boolean()) {
    return std::nullopt;
  }
  double groups = number_in(model, "n_kv_heads").value_or(*heads);
  if (is(model, "multi_query_attention", true)) groups = 1;
  const auto hidden = number_in(model, "mlp_hidden_size");
  const double inner =
      hidden ? *hidden / 2 : *width * number_in(model, "mlp_ratio").value_or(4) / 2;
  json config{{"hidden_size", static_cast<int64_t>(*width)},
              {"num_hidden_layers", static_cast<int64_t>(*layers)},
              {"num_attention_heads", static_cast<int64_t>(*heads)},
              {"num_key_value_heads", static_cast<int64_t>(groups)},
              {"intermediate_size", static_cast<int64_t>(inner)},
              {"max_position_embeddings", static_cast<int64_t>(*positions)},
              {"vocab_size", static_cast<int64_t>(*vocabulary)},
              {"tie_word_embeddings", entry(model, "weight_tying")},
              {"rope_theta", number_in(model, "rope_theta").value_or(10000.0)},
              {"hidden_act", "silu"},
              {"attention_bias", false}};
  for (const char* token : {"eos_token_id", "pad_token_id"}) {
    if (entry(model, token).is_number_integer()) config[token] = entry(model, token);
  }
  const bool rms = is(model, "layer_norm_type", "rms");
  if (rms && is(model, "norm_after", true) && is(model, "attention_layer_norm", true)) {
    if (number_in(model, "clip_qkv")) return std::nullopt;
    config.update({{"architectures", {"Olmo2ForCausalLM"}},
                   {"model_type", "olmo2"},
                   {"rms_norm_eps", number_in(model, "layer_norm_eps").value_or(1e-5)}});
    return config;
  }
  if (!at_most(model, "layer_norm_type", "default") ||
      !is(model, "layer_norm_with_affine", false) || !at_most(model, "norm_after", false) ||
      !at_most(model, "attention_layer_norm", false)) {
    return std::nullopt;
  }
  config.update({{"architectures", {"OlmoForCausalLM"}}, {"model_type", "olmo"}});
  if (const auto clip = number_in(model, "clip_qkv")) config["clip_qkv"] = *clip;
  return config;
}

double olmo_learning_rate(const json& settings, const OlmoProgress& progress, int64_t step,
                          const std::string& where) {
  return OlmoSchedule(settings, progress, where).rate(step);
}

}  // namespace explaind
