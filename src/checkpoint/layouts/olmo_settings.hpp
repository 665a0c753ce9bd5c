#pragma once
// config.yaml of OLMo's first training program.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace explaind {

/// Of the model, as the config.json of Hugging Face's OLMo or OLMo-2; nothing where it says of a
/// model that neither is. settings: the whole file.
std::optional<nlohmann::json> olmo_config(const nlohmann::json& settings);

/// Where the training stands.
struct OlmoProgress {
  int64_t step = 0, tokens = 0;
};

/// The learning rate of a step: OLMo sets it just before the update, and saves that of the last.
/// Throws DataError naming `where` where the settings' schedule is not known, or leaves something
/// open.
double olmo_learning_rate(const nlohmann::json& settings, const OlmoProgress& progress,
                          int64_t step, const std::string& where);

}  // namespace explaind
