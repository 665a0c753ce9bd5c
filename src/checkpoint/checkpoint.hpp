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

class SavedState;
class WeightFile;

/// True where `path` is a directory that holds a config.json, or what a training program saves for
/// itself in a layout that is read (layouts/saved_state.hpp).
bool is_checkpoint_directory(const std::filesystem::path& path);

/// True where a model's weights lie there, by the names of files.
bool holds_weights(const std::filesystem::path& path);

/// A checkpoint directory: config.json and weights in the first of model.safetensors,
/// model.safetensors.index.json with its shards, pytorch_model.bin, pytorch_model.bin.index.json
/// with its shards that is there (the order of transformers); else, in what a training program
/// saved for itself, with the model's config.json there or in the folder above. Files are
/// memory-mapped read-only and closed with the last copy of this value. Names are the model's own,
/// whatever wrapper the state was saved out of (tensor_names.hpp).
class Checkpoint {
 public:
  /// Throws DataError naming the file and the rule that is broken: no config.json, no weights,
  /// a broken file, a shard that is missing, a tensor that is listed but absent or present but not
  /// listed; and what a folder or file is instead, where that is known (folder_kind.hpp).
  static Checkpoint open(const std::filesystem::path& directory);

  /// One that is not there: its folder's small files, config and tensors without data are known.
  static Checkpoint described(const std::filesystem::path& directory, nlohmann::json config,
                              std::map<std::string, TensorView> tensors);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const nlohmann::json& config() const { return config_; }
  /// Sorted by name. Elements of those that lie in parts are there after prepare().
  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  /// Before elements of one of tensors() are read; tensor() has done it. From any thread.
  void prepare(const TensorView& view) const;
  /// The weight files in name order (for the identification of the inputs).
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }
  /// These files, mapped, in the order of their names above.
  [[nodiscard]] const std::vector<std::shared_ptr<const WeightFile>>& mapped() const {
    return mapped_;
  }
  /// What was changed or left out on the way, a sentence each: names taken out of a wrapper,
  /// tensors copied into rows.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// Throws DataError naming tensor and directory where it is missing.
  [[nodiscard]] const TensorView& tensor(const std::string& name) const;

 private:
  /// The model's own files; false where there are none.
  bool map_weights();
  /// Config and, where the model's own files are not there, weights.
  void take_state(bool whole_weights);
  void map(const std::filesystem::path& file);
  void map_shards(const std::filesystem::path& index);

  std::filesystem::path directory_;
  nlohmann::json config_;
  std::map<std::string, TensorView> tensors_;
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> notes_;
  std::vector<std::shared_ptr<const WeightFile>> mapped_;
  std::shared_ptr<const SavedState> state_;  ///< where the weights lie in one
};

}  // namespace explaind
