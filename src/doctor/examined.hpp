#pragma once
// The checkpoints of a series as far as they can be opened: what is broken is a finding.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "checkpoint/weight_file.hpp"
#include "doctor/finding.hpp"

namespace explaind {

/// A tensor, and the file in which it lies.
struct PlacedTensor {
  TensorView view;
  size_t file = 0;
};

struct ExaminedFile {
  std::string name;
  std::shared_ptr<const WeightFile> weights;
  std::string sha256;  ///< of all bytes, once they have been read
};

struct ExaminedCheckpoint {
  int64_t step = 0;
  std::filesystem::path directory;
  nlohmann::json config;                         ///< null where it cannot be read
  std::vector<ExaminedFile> files;               ///< weights that can be read
  std::map<std::string, PlacedTensor> tensors;   ///< by the model's own names
  std::vector<std::string> present;              ///< names of all files, sorted
  bool whole = false;                            ///< it opens as a checkpoint
  std::optional<Checkpoint> opened;              ///< then; tensors' memory may be its own
  std::map<std::string, std::string> tokenizer;  ///< content of the tokenizer's files, by name

  [[nodiscard]] const PlacedTensor* tensor(const std::string& name) const;
};

struct Examined {
  std::vector<ExaminedCheckpoint> checkpoints;  ///< ascending in step
  std::vector<Finding> findings;
};

/// Opens what `entries` name; `broken`: what has a step and is no checkpoint, which becomes one
/// without files. Reads headers and small files alone. Findings: unreadable, missing_file,
/// surplus_file, lfs_pointer. Not collective.
Examined examine(const std::vector<SeriesEntry>& entries, const std::vector<BrokenEntry>& broken);

}  // namespace explaind
