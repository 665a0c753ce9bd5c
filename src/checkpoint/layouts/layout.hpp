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

}  // namespace explaind
