#pragma once
// optimizer.pt and scheduler.pt of Hugging Face's Trainer.

#include <filesystem>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"

namespace explaind {

class TrainerState {
 public:
  static StoredOptimizer open(const std::filesystem::path& directory,
                              const std::vector<NamedShape>& parameters, const WeightsMove& moves);
};

}  // namespace explaind
