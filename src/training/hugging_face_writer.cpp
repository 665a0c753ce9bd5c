#include "training/hugging_face_writer.hpp"

#include <ATen/ATen.h>

#include <system_error>

#include "checkpoint/new_file.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"

namespace explaind {
namespace {

constexpr int64_t bos_id = 1, eos_id = 2;  // as train_tokenizer numbers them

void write_json(const std::filesystem::path& path, const nlohmann::json& value) {
  write_text_file(path, value.dump(2) + "\n");
}

}  // namespace

nlohmann::json with_tokens(nlohmann::json config, const std::string& dtype, int64_t bos,
                           int64_t eos) {
  // transformers 5 reads this older spelling of dtype too; transformers 4 reads no other.
  config.update({{"bos_token_id", bos}, {"eos_token_id", eos}, {"torch_dtype", dtype}});
  return config;
}

void write_hugging_face(const std::filesystem::path& directory, const HuggingFaceModel& model,
                        const std::function<void(const std::filesystem::path&)>& beside) {
  namespace fs = std::filesystem;
  const auto& [config, network, weights, dtype, tokenizer_model] = model;
  const bool half = dtype == "bf16";
  std::vector<at::Tensor> rounded;  // keeps the bytes alive that the views show
  std::vector<TensorView> views;
  const auto show = [&](const std::string& name, const at::Tensor& tensor) {
    rounded.push_back(tensor.detach().to(half ? at::kBFloat16 : at::kFloat).contiguous());
    views.push_back({.name = name,
                     .dtype = half ? Dtype::bf16 : Dtype::f32,
                     .shape = tensor.sizes().vec(),
                     .data = static_cast<const std::byte*>(rounded.back().const_data_ptr()),
                     .bytes = rounded.back().nbytes()});
  };
  for (size_t i = 0; i < weights.size(); ++i) show(network.parameters()[i].name, weights[i]);
  for (const auto& [name, value] : network.constants()) show(name, at::scalar_tensor(value));
  // Hidden, so that a listing of the series leaves it out.
  std::string hidden(1, '.');
  hidden += directory.filename().string();
  const fs::path unfinished = unfinished_path(directory.parent_path() / hidden);
  const auto give_up = [&unfinished] {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
  };
  try {
    fs::create_directories(unfinished);
    write_safetensors(unfinished / "model.safetensors", views);
    write_json(unfinished / "config.json",
               with_tokens(config, half ? "bfloat16" : "float32", bos_id, eos_id));
    write_json(unfinished / "generation_config.json",
               {{"_from_model_config", true}, {"bos_token_id", bos_id}, {"eos_token_id", eos_id}});
    write_json(unfinished / "tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizer"},
                                                      {"add_bos_token", true},
                                                      {"add_eos_token", false},
                                                      {"bos_token", "<s>"},
                                                      {"eos_token", "</s>"},
                                                      {"unk_token", "<unk>"}});
    write_copy(tokenizer_model, unfinished / "tokenizer.model");
    if (beside) beside(unfinished);
    fs::rename(unfinished, directory);  // fails where something is there
    sync_directory(directory.has_parent_path() ? directory.parent_path() : ".");
  } catch (const fs::filesystem_error& error) {
    give_up();
    throw DataError(directory.string(), std::string("cannot be written: ") + error.what(),
                    "Check space and permissions");
  } catch (...) {
    give_up();
    throw;
  }
}

}  // namespace explaind
