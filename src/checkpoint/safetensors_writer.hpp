#pragma once
// Writing safetensors files.

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// Writes `path` in one step: under another name, synced, renamed, directory synced; a reader or a
/// crash sees the old file, the new one or none, and the temporary is removed where writing fails.
///
/// Tensors with larger elements come first, otherwise in the order given, and the header is padded
/// to 8 bytes, so every tensor is aligned to its element. The same input gives the same bytes.
/// metadata: `__metadata__`; transformers refuses a file without {"format": "pt"}.
///
/// Throws DataError where the file system fails, std::invalid_argument where names repeat or
/// `bytes` is not shape × dtype.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace explaind
