#pragma once
// Leaves checkpoints that transformers' from_pretrained opens.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace explaind {

/// What a checkpoint is written of.
struct HuggingFaceModel {
  const nlohmann::json& config;  ///< config.json, without dtype and token ids
  const Network& network;
  const std::vector<at::Tensor>& weights;
  std::string dtype;  ///< that weights are rounded to: bf16 or f32
  std::filesystem::path tokenizer_model;
};

/// config.json as it is written: with dtype ("float32", "float16" or "bfloat16") and token ids, −1
/// for none.
nlohmann::json with_tokens(nlohmann::json config, const std::string& dtype, int64_t bos,
                           int64_t eos);

/// Writes DIRECTORY: config.json, generation_config.json, model.safetensors, tokenizer.model
/// (copied) and tokenizer_config.json. The directory appears under its name only when complete,
/// else nothing of it stays. beside: writes more into the folder that it is given, before that.
/// Throws DataError, also where the name is taken.
void write_hugging_face(const std::filesystem::path& directory, const HuggingFaceModel& model,
                        const std::function<void(const std::filesystem::path&)>& beside = {});

}  // namespace explaind
