#include "checkpoint/checkpoint.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "checkpoint/folder_kind.hpp"
#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/model_config.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/tensor_names.hpp"
#include "checkpoint/weight_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// In the order in which they are looked for.
constexpr std::array<const char*, 2> single_names{"model.safetensors", "pytorch_model.bin"};
constexpr const char* index_end = ".index.json";
constexpr const char* unrelated =
    "Save the checkpoint again: index and shards do not belong together";

/// The `weight_map` of an index: tensor name → shard's file name.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const nlohmann::json index = read_json_object(path);
  const auto found = index.find("weight_map");
  if (found == index.end() || !found->is_object()) {
    throw DataError(path.string(), "the object \"weight_map\" (tensor: file) is missing");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, file] : found->items()) {
    if (!file.is_string()) {
      throw DataError(path.string(),
                      fmt::format("the file of the tensor \"{}\" is not a string", tensor));
    }
    const auto& name = file.get_ref<const std::string&>();
    if (name.empty() || fs::path(name).filename() != name || name == "." || name == "..") {
      throw DataError(path.string(),
                      fmt::format("\"{}\" (tensor \"{}\") is not a file name in the same directory",
                                  name, tensor));
    }
    shards.emplace(tensor, name);
  }
  return shards;
}

/// Every tensor of `shard` must be listed for it.
void require_listed(const WeightFile& shard, const std::string& file,
                    const std::map<std::string, std::string>& shards, const fs::path& index) {
  for (const TensorView& tensor : shard.tensors()) {
    const auto listed = shards.find(tensor.name);
    if (listed == shards.end()) {
      throw DataError(index.string(),
                      fmt::format("the tensor \"{}\" of {} is not listed", tensor.name, file),
                      unrelated);
    }
    if (listed->second != file) {
      throw DataError(index.string(),
                      fmt::format("the tensor \"{}\" is listed for {} but lies in {}", tensor.name,
                                  listed->second, file),
                      unrelated);
    }
  }
}

/// Where files that name each matrix once (safetensors' save_model) kept the unembedding's name of
/// a tied matrix, it is given the embedding's. Returns what was done; empty: nothing.
std::string name_tied_matrix(const nlohmann::json& config, const DecoderNames& names,
                             std::map<std::string, TensorView>& tensors) {
  const std::string embedding = names.embedding + ".weight";
  const std::string unembedding = names.unembedding + ".weight";
  const auto tied = config.find("tie_word_embeddings");
  const auto head = tensors.find(unembedding);
  if (tied == config.end() || *tied != nlohmann::json(true) || head == tensors.end() ||
      tensors.contains(embedding) || !tensors.contains(names.final_norm + ".weight")) {
    return "";
  }
  TensorView matrix = std::move(head->second);
  tensors.erase(head);
  matrix.name = embedding;
  tensors.emplace(embedding, std::move(matrix));
  return fmt::format("the tied matrix is called {} alone, and read as {}", unembedding, embedding);
}

}  // namespace

bool is_checkpoint_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / "config.json", ignored) || holds_saved_state(path);
}

bool holds_weights(const fs::path& path) {
  std::error_code ignored;
  for (const char* name : single_names) {
    if (fs::exists(path / name, ignored) ||
        fs::exists(path / (std::string(name) + index_end), ignored)) {
      return true;
    }
  }
  return holds_saved_state(path);
}

void Checkpoint::map(const fs::path& file) {
  mapped_.push_back(open_weight_file(file));
  files_.push_back(file);
  notes_.insert(notes_.end(), mapped_.back()->notes().begin(), mapped_.back()->notes().end());
  for (const TensorView& tensor : mapped_.back()->tensors()) tensors_.emplace(tensor.name, tensor);
}

void Checkpoint::map_shards(const fs::path& index) {
  const std::map<std::string, std::string> shards = read_index(index);
  std::map<std::string, std::string> first_tensor;  // shard → a tensor listed for it, in order
  for (const auto& [tensor, file] : shards) first_tensor.emplace(file, tensor);
  for (const auto& [file, tensor] : first_tensor) {
    if (!fs::exists(directory_ / file)) {
      throw DataError(index.string(),
                      fmt::format("the file {} (tensor \"{}\") is missing", file, tensor),
                      "Copy all shards of the checkpoint");
    }
    map(directory_ / file);
    require_listed(*mapped_.back(), file, shards, index);
  }
  for (const auto& [tensor, file] : shards) {
    if (!tensors_.contains(tensor)) {
      throw DataError(
          index.string(),
          fmt::format("the tensor \"{}\" is not in {}, for which it is listed", tensor, file),
          unrelated);
    }
  }
}

Checkpoint Checkpoint::open(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    throw DataError(directory.string(), "is not a directory",
                    "Name a Hugging Face checkpoint directory");
  }
  if (!is_checkpoint_directory(directory)) {
    const std::optional<Instead> instead = foreign_folder(directory);
    throw DataError(directory.string(),
                    instead ? "holds no config.json: it is " + instead->what
                            : std::string("holds no config.json"),
                    instead ? instead->remedy : "Name a Hugging Face checkpoint directory");
  }
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  const bool saved_state = holds_saved_state(directory);
  if (!saved_state) checkpoint.config_ = read_json_object(directory / "config.json");
  const bool found = checkpoint.map_weights();
  if (saved_state) checkpoint.take_state(found);
  if (!found && !saved_state) {
    if (const std::optional<Instead> instead = foreign_folder(directory)) {
      throw DataError(directory.string(), "holds no weights: it is " + instead->what,
                      instead->remedy);
    }
    throw DataError(directory.string(),
                    fmt::format("holds no weights: neither {0} nor {0}{2}, {1} or {1}{2}",
                                single_names[0], single_names[1], index_end),
                    "Name a directory as transformers' save_pretrained writes it");
  }
  if (checkpoint.tensors_.empty()) throw DataError(directory.string(), "holds no tensor");
  if (const std::optional<Instead> instead = adapter_in(directory)) {
    throw DataError(directory.string(), "holds, beside its weights, " + instead->what,
                    instead->remedy + ", or move adapter_* away where the weights alone are meant");
  }
  const DecoderNames names = names_in(checkpoint.config_);
  const std::string unwrapped = unwrap_names(checkpoint.tensors_, names, directory.string());
  if (!unwrapped.empty()) checkpoint.notes_.push_back(unwrapped);
  const std::string tied = name_tied_matrix(checkpoint.config_, names, checkpoint.tensors_);
  if (!tied.empty()) checkpoint.notes_.push_back(tied);
  return checkpoint;
}

bool Checkpoint::map_weights() {
  bool found = false;
  std::string used;
  for (const char* name : single_names) {
    const fs::path single = directory_ / name, index = directory_ / (std::string(name) + index_end);
    // The order is transformers'. What else is there may be other weights.
    for (const fs::path& file : {single, index}) {
      if (!fs::exists(file)) continue;
      if (found) {
        notes_.push_back(
            fmt::format("{} is not read, as {} is there", file.filename().string(), used));
        continue;
      }
      file == single ? map(single) : map_shards(index);
      found = true;
      used = file.filename().string();
    }
  }
  return found;
}

void Checkpoint::take_state(bool whole_weights) {
  // Beside whole weights it is not opened: it is the optimizer's business then.
  if (!whole_weights) state_ = open_saved_state(directory_);
  const std::string what =
      whole_weights ? "what a training program saved for itself" : state_->what();
  std::optional<ModelConfig> model = model_config_of(directory_, state_.get());
  if (!model) {
    throw DataError(directory_.string(),
                    fmt::format("is {}, and does not say which model it is of: no config.json of "
                                "Hugging Face lies in it or in the folder above",
                                what),
                    fmt::format("Put the model's config.json into {}", above(directory_).string()));
  }
  config_ = std::move(model->config);
  if (!model->note.empty()) notes_.push_back(model->note);
  if (whole_weights) {
    notes_.push_back("the weights are those of the model's own files, not of " + what);
    return;
  }
  for (const TensorView& tensor : state_->weights()) tensors_.emplace(tensor.name, tensor);
  if (tensors_.empty()) {
    throw DataError(
        directory_.string(),
        fmt::format("holds no weights: it is {}, and has an optimizer's state alone", what),
        "Copy the weights too");
  }
  for (const auto& file : state_->files()) {
    mapped_.push_back(file);
    files_.push_back(file->file().path());
  }
  notes_.push_back("the weights are read out of " + what);
  notes_.insert(notes_.end(), state_->notes().begin(), state_->notes().end());
}

Checkpoint Checkpoint::described(const fs::path& directory, nlohmann::json config,
                                 std::map<std::string, TensorView> tensors) {
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  checkpoint.config_ = std::move(config);
  checkpoint.tensors_ = std::move(tensors);
  return checkpoint;
}

const TensorView& Checkpoint::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw DataError(directory_.string(), "the tensor \"" + name + "\" is missing");
  }
  prepare(found->second);
  return found->second;
}

void Checkpoint::prepare(const TensorView& view) const {
  if (state_ != nullptr) state_->prepare(view);
}

}  // namespace explaind
