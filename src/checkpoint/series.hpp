#pragma once
// An ordered series of Hugging Face checkpoints.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace explaind {

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
