#pragma once
// AdamW's state beside a checkpoint, as StoredOptimizer reads it (stored_optimizer.md).

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <vector>

#include "model/model.hpp"
#include "training/optimizer.hpp"

namespace explaind {

/// Writes optimizer.safetensors and optimizer.json into a checkpoint's folder: what `optimizer`
/// will take its next step from. weights: one per parameter of the model; moments that are not
/// there yet are zeros. Throws DataError where the file system fails.
void write_optimizer(const std::filesystem::path& directory, const Model& model,
                     const std::vector<at::Tensor>& weights, Optimizer& optimizer);

}  // namespace explaind
