#pragma once
// optimizer.pt and scheduler.pt of Hugging Face's Trainer.

#include <string>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"

namespace explaind {

class TrainerState {
 public:
  static StoredOptimizer open(const std::filesystem::path& directory,
                              const std::vector<NamedShape>& parameters);
};

/// Places of the parameters in the order in which a Hugging Face model of these names lists its
/// parameters: embedding, layers (attention, MLP, norms), final norm, unembedding.
std::vector<size_t> module_order(const std::vector<NamedShape>& parameters);

/// Whether Trainer lets a parameter decay: norms and biases do not.
bool decays_in_trainer(const std::string& name);

}  // namespace explaind
