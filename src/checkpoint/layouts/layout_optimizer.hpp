#pragma once
// AdamW's state out of what a training program saved for itself.

#include <filesystem>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"

namespace explaind {

class LayoutOptimizer {
 public:
  /// Of a folder for which holds_saved_state is true. Moments belong to parameters by name; a tied
  /// matrix has one state, whichever of its names it is under. Throws DataError as
  /// StoredOptimizer::open.
  static StoredOptimizer open(const std::filesystem::path& directory,
                              const std::vector<NamedShape>& parameters, const WeightsMove& moves);
};

}  // namespace explaind
