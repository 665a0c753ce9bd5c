#pragma once
// The keys of a Llama's config.json that ModelConfig does not hold: which of them would change the
// network, and which are said to be not obeyed.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace explaind {

/// Throws DataError naming `where` and the key that asks for another network than Llama's: scaled
/// logits or embeddings, windows of attention, experts, other biases, …. Values that change nothing
/// (null, a factor of 1, a window as long as the positions) pass.
void refuse_other_networks(const nlohmann::json& config, const std::string& where);

/// Keys that neither Llama's network nor transformers' training and generation know, in order,
/// those of the rope object as "rope_scaling.KEY". They are not obeyed; a value of null, false, 0,
/// "" or an empty list says nothing.
std::vector<std::string> unknown_config_keys(const nlohmann::json& config);

}  // namespace explaind
