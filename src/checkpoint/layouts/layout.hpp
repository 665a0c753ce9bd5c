#pragma once
// A layout of saved states: how it is recognised and opened. One layout a file or more; their list
// is in saved_state.cpp.

#include <filesystem>
#include <memory>

#include "checkpoint/layouts/saved_state.hpp"

namespace explaind {

struct Layout {
  /// By names alone; never throws.
  bool (*holds)(const std::filesystem::path& folder);
  /// Of a folder that holds it.
  std::unique_ptr<SavedState> (*open)(const std::filesystem::path& folder);
};

/// torch.distributed.checkpoint: `.metadata` and `.distcp` files, of FSDP, OLMo-core, Megatron
/// Core, torchtitan and others.
const Layout& torch_distributed();

}  // namespace explaind
