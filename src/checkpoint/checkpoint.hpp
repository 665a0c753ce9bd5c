#pragma once
// One Hugging Face checkpoint directory.

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

class SafetensorsFile;

/// True where `path` is a directory that holds a config.json.
bool is_checkpoint_directory(const std::filesystem::path& path);

/// A checkpoint directory: config.json and model.safetensors, or model.safetensors.index.json with
/// its shards (the single file wins where both exist, as in transformers). Files are memory-mapped
/// read-only and closed with the last copy of this value.
class Checkpoint {
 public:
  /// Throws DataError naming the file and the rule that is broken: no config.json, no weights,
  /// weights as pytorch_model.bin only, a broken file, a shard that is missing, a tensor that is
  /// listed but absent or present but not listed.
  static Checkpoint open(const std::filesystem::path& directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const nlohmann::json& config() const { return config_; }
  /// Sorted by name.
  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  /// The weight files in name order (for the identification of the inputs).
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }
  /// The same files, mapped, in the same order.
  [[nodiscard]] const std::vector<std::shared_ptr<const SafetensorsFile>>& mapped() const {
    return mapped_;
  }
  /// Throws DataError naming tensor and directory where it is missing.
  [[nodiscard]] const TensorView& tensor(const std::string& name) const;

 private:
  void map(const std::filesystem::path& file);
  void map_shards(const std::filesystem::path& index);

  std::filesystem::path directory_;
  nlohmann::json config_;
  std::map<std::string, TensorView> tensors_;
  std::vector<std::filesystem::path> files_;
  std::vector<std::shared_ptr<const SafetensorsFile>> mapped_;
};

}  // namespace explaind
