#pragma once
// Leaves checkpoints that transformers' from_pretrained opens.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/model_config.hpp"
#include "model/network.hpp"

namespace explaind {

/// Writes DIRECTORY: config.json, generation_config.json, model.safetensors (weights rounded to
/// `dtype`: bf16 or f32), tokenizer.model (copied) and tokenizer_config.json. The directory appears
/// under its name only when complete, else nothing of it stays. beside: writes more into the folder
/// that it is given, before that. Throws DataError, also where the name is taken.
void write_hugging_face(const std::filesystem::path& directory, const ModelConfig& config,
                        const Network& network, const std::vector<at::Tensor>& weights,
                        const std::string& dtype, const std::filesystem::path& tokenizer_model,
                        const std::function<void(const std::filesystem::path&)>& beside = {});

}  // namespace explaind
