#pragma once
// What a folder is that is no checkpoint as transformers' save_pretrained writes it.

#include <filesystem>
#include <optional>
#include <string>

#include "core/file_kind.hpp"

namespace explaind {

/// By the names of what lies in it: PEFT adapters, checkpoints of DeepSpeed, of PyTorch's
/// distributed format (FSDP, torchtitan), of Megatron and others, weights of Meta, Mistral,
/// TensorFlow, Flax and llama.cpp, shards without their index, links that lead nowhere. Nothing
/// where it looks like none of them.
std::optional<Instead> foreign_folder(const std::filesystem::path& folder);

/// A PEFT adapter lies there, with or without whole weights.
std::optional<Instead> adapter_in(const std::filesystem::path& folder);

}  // namespace explaind
