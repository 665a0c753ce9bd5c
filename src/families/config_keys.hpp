#pragma once
// Keys of a config.json that a family's reader did not look for: which of them would change the
// network, and which are said to be not obeyed.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "families/config_object.hpp"
#include "families/decoder_config.hpp"

namespace explaind {

/// config: as the family's reader has left it; model: what it read. Throws DataError naming the key
/// that asks for another network than the family's: scaled logits or embeddings, windows of
/// attention, experts, other biases, …. Values that change nothing (null, a factor of 1, a window
/// as long as the positions) pass.
void refuse_other_networks(const ConfigObject& config, const DecoderConfig& model);

/// Keys that neither the family's network nor transformers' training and generation know, in order,
/// those of the rope object as "rope_scaling.KEY". They are not obeyed; a value of null, false, 0,
/// "" or an empty list says nothing. Throws DataError as read_decoder_config does.
std::vector<std::string> unknown_config_keys(const nlohmann::json& config);

}  // namespace explaind
