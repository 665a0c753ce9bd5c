#include "families/rope_config.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace explaind {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<const char*, RopeType>, 5> rope_types{
    {{"default", RopeType::plain},
     {"linear", RopeType::linear},
     {"dynamic", RopeType::dynamic},
     {"yarn", RopeType::yarn},
     {"llama3", RopeType::llama3}}};

RopeType type_named(const ConfigObject& keys, const std::string& name) {
  for (const auto& [word, type] : rope_types) {
    if (name == word) return type;
  }
  keys.refuse("the rope type \"" + name + "\" (" + keys.prefix() + "rope_type) is not supported",
              "Supported are: default, linear, dynamic, yarn, llama3");
}

void read_llama3(const ConfigObject& keys, RopeConfig& rope) {
  rope.low_freq_factor = keys.positive("low_freq_factor");
  rope.high_freq_factor = keys.positive("high_freq_factor");
  if (rope.high_freq_factor <= rope.low_freq_factor) {
    keys.refuse(keys.prefix() + "high_freq_factor must be larger than low_freq_factor");
  }
}

double yarn_scale(double factor, double multiplier) {
  return factor <= 1 ? 1.0 : 0.1 * multiplier * std::log(factor) + 1.0;
}

void read_yarn(const ConfigObject& keys, RopeConfig& rope) {
  if (rope.theta <= 1) keys.refuse("the rope type \"yarn\" needs a rope_theta above 1");
  rope.beta_fast = keys.positive("beta_fast", rope.beta_fast);
  rope.beta_slow = keys.positive("beta_slow", rope.beta_slow);
  if (rope.beta_fast < rope.beta_slow) {
    keys.refuse(keys.prefix() + "beta_fast must not be smaller than beta_slow");
  }
  rope.truncate = keys.boolean("truncate", true);
  double scale = yarn_scale(rope.factor, 1);
  if (keys.find("mscale") != nullptr && keys.find("mscale_all_dim") != nullptr) {
    scale = yarn_scale(rope.factor, keys.positive("mscale")) /
            yarn_scale(rope.factor, keys.positive("mscale_all_dim"));
  }
  rope.attention_factor = keys.positive("attention_factor", scale);
}

/// outside: original_max_position_embeddings beside the rope object, 0 where it is not there.
void read_scaling(const ConfigObject& keys, RopeConfig& rope, int64_t outside) {
  rope.type = type_named(keys, keys.text("rope_type", keys.text("type", "default")));
  if (rope.type == RopeType::plain) return;
  rope.factor = keys.positive("factor");
  if (rope.type == RopeType::llama3 || rope.type == RopeType::yarn) {
    rope.original_max_position_embeddings =
        outside > 0 && keys.find("original_max_position_embeddings") == nullptr
            ? static_cast<double>(outside)
            : keys.positive("original_max_position_embeddings");
  }
  if (rope.type == RopeType::llama3) read_llama3(keys, rope);
  if (rope.type == RopeType::yarn) read_yarn(keys, rope);
}

/// A value that may stand beside the rope object and in it, but then must be one.
double agreed(const ConfigObject& config, const ConfigObject* inner, const char* outside,
              const char* inside, double fallback) {
  double value = config.positive(outside, fallback);
  if (inner == nullptr || inner->find(inside) == nullptr) return value;
  const double other = inner->positive(inside);
  if (config.find(outside) != nullptr && other != value) {
    config.refuse(
        fmt::format("{} is {} and {}{} {}", outside, value, inner->prefix(), inside, other),
        "Keep the one the model was trained with");
  }
  return other;
}

}  // namespace

const char* rope_name(RopeType type) {
  for (const auto& [word, each] : rope_types) {
    if (each == type) return word;
  }
  return "";
}

RopeConfig read_rope(const ConfigObject& config, const RopeDefaults& defaults) {
  const int64_t original = config.size("original_max_position_embeddings", 0);
  const Json* scaling = config.object("rope_scaling");
  const Json* parameters = config.object("rope_parameters");
  if (scaling != nullptr && parameters != nullptr && *scaling != *parameters) {
    config.refuse("rope_scaling and rope_parameters differ",
                  "Keep the one the model was trained with");
  }
  const Json* object = parameters != nullptr ? parameters : scaling;
  RopeConfig rope;
  if (object == nullptr) {
    rope.theta = config.positive(defaults.theta_key, defaults.theta);
    rope.partial = config.positive(defaults.partial_key, defaults.partial);
    return rope;
  }
  const ConfigObject inner(*object, config.where(),
                           parameters != nullptr ? "rope_parameters." : "rope_scaling.");
  for (const auto& [key, value] : object->items()) {
    if (value.is_object()) {
      config.refuse(inner.prefix() + key +
                    " is an object: a rope type per kind of layer is not supported");
    }
  }
  rope.theta = agreed(config, &inner, defaults.theta_key, "rope_theta", defaults.theta);
  rope.partial =
      agreed(config, &inner, defaults.partial_key, "partial_rotary_factor", defaults.partial);
  read_scaling(inner, rope, original);
  return rope;
}

RopeConfig read_rope_object(const ConfigObject& object, RopeConfig fallback) {
  fallback.theta = object.positive("rope_theta", fallback.theta);
  fallback.partial = object.positive("partial_rotary_factor", fallback.partial);
  read_scaling(object, fallback, 0);
  return fallback;
}

bool is_rope_key(const std::string& key, const std::string& type) {
  static const std::set<std::string> common{"rope_type", "type", "rope_theta", "factor",
                                            "partial_rotary_factor"};
  static const std::set<std::string> of_llama3{"low_freq_factor", "high_freq_factor",
                                               "original_max_position_embeddings"};
  static const std::set<std::string> of_yarn{"attention_factor",
                                             "beta_fast",
                                             "beta_slow",
                                             "truncate",
                                             "mscale",
                                             "mscale_all_dim",
                                             "original_max_position_embeddings"};
  return common.contains(key) || (type == "llama3" && of_llama3.contains(key)) ||
         (type == "yarn" && of_yarn.contains(key));
}

}  // namespace explaind
