#pragma once
// What is in a checkpoint and in a series of them, of any architecture.

#include <filesystem>
#include <vector>

#include "checkpoint/series.hpp"

namespace explaind {

/// True where decompose would take the path for a series: a list, a folder of folders, a cache of
/// the Hub; also where a model's own files lie beside its `checkpoint-*`.
bool is_series(const std::filesystem::path& path, const NameRules& rules);

/// Prints steps, network, tokenizer, optimizer states, and how far the weights moved from each
/// checkpoint to the next. Where the series cannot be decomposed it says why and shows the rest.
void inspect_series(const std::filesystem::path& path, const NameRules& rules);

/// Prints what is known of one checkpoint, with its tensors.
void inspect_checkpoint(const std::filesystem::path& path);

}  // namespace explaind
