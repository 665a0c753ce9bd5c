#pragma once
// Which of a model's parameters the numbers are that an optimizer's state has in their place.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"

namespace explaind {

/// A group of parameters as optimizer.pt has it: numbers, here in their order.
struct StoredGroup {
  std::vector<std::string> names;  ///< empty where the optimizer was given no names
  /// The shape of each number's moments; empty where it has none.
  std::vector<std::optional<std::vector<int64_t>>> shapes;
};

/// What helps where a state is of other weights.
inline constexpr const char* other_state =
    "Give the optimizer state that was saved with these weights";

/// Per group, the model's parameters in the order of its numbers: by names, else as Trainer builds
/// its groups (StoredOptimizer). A group that has fewer than belong to it leaves out the frozen
/// ones. Throws DataError where names, numbers or shapes do not fit, or fit in several ways.
std::vector<std::vector<size_t>> assign_groups(const std::vector<StoredGroup>& stored,
                                               const std::vector<NamedShape>& parameters,
                                               const WeightsMove& moves, const std::string& where);

/// Whether Trainer lets a parameter decay: norms and biases do not.
bool decays_in_trainer(const std::string& name);

/// Places of the parameters in the order in which a Hugging Face model of these names lists its
/// parameters: embedding, layers (attention, MLP, norms), final norm, unembedding.
std::vector<size_t> module_order(const std::vector<NamedShape>& parameters);

}  // namespace explaind
