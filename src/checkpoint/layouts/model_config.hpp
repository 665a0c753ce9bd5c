#pragma once
// The config.json that says which model a folder's weights are of.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace explaind {

class SavedState;

struct ModelConfig {
  nlohmann::json config;
  std::string note;  ///< where it does not lie in the folder itself; empty: it does
};

/// A Hugging Face config.json in the folder; else what the folder's saved state says of itself;
/// else a config.json in the folder above, beside the checkpoints. None where there is neither.
/// state: what lies in the folder; null where it is not opened. Throws DataError for a config.json
/// that is no JSON object.
std::optional<ModelConfig> model_config_of(const std::filesystem::path& folder,
                                           const SavedState* state);

/// The folder above, whatever form the path has.
std::filesystem::path above(const std::filesystem::path& folder);

}  // namespace explaind
