#include "training/hugging_face_writer.hpp"

#include <ATen/ATen.h>

#include <system_error>
#include <utility>

#include "checkpoint/new_file.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr int64_t bos_id = 1, eos_id = 2;  // as train_tokenizer numbers them

void write_json(const std::filesystem::path& path, const nlohmann::json& value) {
  write_text_file(path, value.dump(2) + "\n");
}

/// A folder that is made empty, and removed with this unless it has been moved to its place.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  ~UnfinishedFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

void write_hugging_face(const std::filesystem::path& directory, const ModelConfig& config,
                        const Network& network, const std::vector<at::Tensor>& weights,
                        const std::string& dtype, const std::filesystem::path& tokenizer_model,
                        const std::function<void(const std::filesystem::path&)>& beside) {
  namespace fs = std::filesystem;
  const bool half = dtype == "bf16";
  std::vector<at::Tensor> rounded;  // keeps the bytes alive that the views show
  std::vector<TensorView> views;
  for (size_t i = 0; i < weights.size(); ++i) {
    rounded.push_back(weights[i].detach().to(half ? at::kBFloat16 : at::kFloat).contiguous());
    views.push_back({.name = network.parameters()[i].name,
                     .dtype = half ? Dtype::bf16 : Dtype::f32,
                     .shape = network.parameters()[i].shape,
                     .data = static_cast<const std::byte*>(rounded.back().const_data_ptr()),
                     .bytes = rounded.back().nbytes()});
  }
  try {
    const UnfinishedFolder folder(directory.string() + ".tmp");
    const fs::path& unfinished = folder.path();
    write_safetensors(unfinished / "model.safetensors", views);
    write_json(unfinished / "config.json",
               to_hugging_face(config, half ? "bfloat16" : "float32", bos_id, eos_id));
    write_json(unfinished / "generation_config.json",
               {{"_from_model_config", true}, {"bos_token_id", bos_id}, {"eos_token_id", eos_id}});
    write_json(unfinished / "tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizer"},
                                                      {"add_bos_token", true},
                                                      {"add_eos_token", false},
                                                      {"bos_token", "<s>"},
                                                      {"eos_token", "</s>"},
                                                      {"unk_token", "<unk>"}});
    fs::copy_file(tokenizer_model, unfinished / "tokenizer.model");
    if (beside) beside(unfinished);
    fs::remove_all(directory);
    fs::rename(unfinished, directory);
    sync_directory(directory.has_parent_path() ? directory.parent_path() : ".");
  } catch (const fs::filesystem_error& error) {
    throw DataError(directory.string(), std::string("cannot be written: ") + error.what(),
                    "Check space and permissions");
  }
}

}  // namespace explaind
