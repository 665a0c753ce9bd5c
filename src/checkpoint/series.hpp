#pragma once
// One Hugging Face checkpoint directory, and an ordered series of them.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

class SafetensorsFile;

/// A checkpoint directory: config.json and model.safetensors, or model.safetensors.index.json with
/// its shards. Files are memory-mapped read-only and closed with the last copy of this value.
class Checkpoint {
 public:
  /// Throws DataError naming the file and the rule that is broken.
  static Checkpoint open(const std::filesystem::path& directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const nlohmann::json& config() const { return config_; }
  /// Sorted by name.
  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  /// The weight files in name order (for the identification of the inputs).
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Throws DataError naming tensor and directory where it is missing.
  [[nodiscard]] const TensorView& tensor(const std::string& name) const;

 private:
  std::filesystem::path directory_;
  nlohmann::json config_;
  std::map<std::string, TensorView> tensors_;
  std::vector<std::filesystem::path> files_;
  std::vector<std::shared_ptr<const SafetensorsFile>> mapped_;
};

/// A step of a series before it is opened.
struct SeriesEntry {
  int64_t step = 0;
  std::filesystem::path directory;
};

/// Steps from the trailing number of each sub-directory's name, or from a text or JSON list of
/// `step path`; sorted numerically. Throws DataError: nothing found, a single checkpoint (where
/// `least` is 2), duplicate steps, a name without a number.
std::vector<SeriesEntry> list_series(const std::filesystem::path& path, size_t least = 2);

/// A series whose checkpoints agree in tensor names, shapes and config.
class CheckpointSeries {
 public:
  /// Opens every checkpoint and compares it with the first; throws DataError naming each
  /// difference.
  static CheckpointSeries open(const std::filesystem::path& path);

  [[nodiscard]] size_t size() const { return checkpoints_.size(); }
  [[nodiscard]] int64_t step(size_t i) const { return entries_[i].step; }
  [[nodiscard]] const Checkpoint& checkpoint(size_t i) const { return checkpoints_[i]; }
  /// The config all checkpoints share (the first one's).
  [[nodiscard]] const nlohmann::json& config() const { return checkpoints_.front().config(); }

 private:
  std::vector<SeriesEntry> entries_;
  std::vector<Checkpoint> checkpoints_;
};

/// Identification of a series' inputs for provenance, one JSON object a weight file: safetensors
/// header CRC, size and modification time; with `full_hash` the SHA-256 of the whole file.
nlohmann::json identify(const CheckpointSeries& series, bool full_hash);

}  // namespace explaind
