#pragma once
// The files of a checkpoint of DeepSpeed.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace explaind {

/// A rank's place: of the data-parallel ranks, and of those that share a model.
struct DeepSpeedRank {
  int64_t data = 0, model = 0;
  auto operator<=>(const DeepSpeedRank&) const = default;
};

struct DeepSpeedFiles {
  std::filesystem::path folder;
  bool universal = false;
  /// …_model_states.pt and …_optim_states.pt; data is 0 where the name says none.
  std::map<DeepSpeedRank, std::filesystem::path> model, optimizer;
};

/// The folder where they lie: `checkpoint` itself, or the one in it that Trainer, accelerate or
/// Lightning let DeepSpeed write beside their own files. Nothing where there is none, or where it
/// holds several steps' folders and is therefore a series. Looks at names, and at `latest`.
std::optional<std::filesystem::path> deepspeed_folder(const std::filesystem::path& checkpoint);

/// Pre-condition: a folder that deepspeed_folder gave. Throws DataError where nothing of a model
/// lies there.
DeepSpeedFiles deepspeed_files(const std::filesystem::path& folder);

}  // namespace explaind
