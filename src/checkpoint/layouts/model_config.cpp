#include "checkpoint/layouts/model_config.hpp"

#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/saved_state.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Nothing where it is not there or is another program's: training programs save their own
/// configuration under that name too.
std::optional<nlohmann::json> hugging_face_config(const fs::path& folder) {
  std::error_code ignored;
  const fs::path path = folder / "config.json";
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  nlohmann::json config = read_json_object(path);
  if (!config.contains("architectures") && !config.contains("model_type")) {
    return std::nullopt;
  }
  return config;
}

}  // namespace

std::optional<ModelConfig> model_config_of(const fs::path& folder, const SavedState* state) {
  if (auto own = hugging_face_config(folder)) {
    return ModelConfig{std::move(*own), ""};
  }
  if (auto said = state == nullptr ? std::nullopt : state->config()) {
    return ModelConfig{std::move(*said),
                       "the model's configuration is what the checkpoint itself says of it"};
  }
  const fs::path parent = above(folder);
  if (auto beside = hugging_face_config(parent)) {
    return ModelConfig{std::move(*beside), "config.json is that of " + parent.string() +
                                               ", as the checkpoints' own folders have none"};
  }
  return std::nullopt;
}

fs::path above(const fs::path& folder) {
  // "a/" and "." have none by name.
  return fs::absolute(folder / "x").lexically_normal().parent_path().parent_path();
}

}  // namespace explaind
