#pragma once
// What a config.json says of its network, at a glance.

#include <nlohmann/json.hpp>
#include <string>

namespace explaind {

/// "LlamaForCausalLM, 4 layers, hidden size 128, 8 heads, 4 key-value heads".
std::string network_of(const nlohmann::json& config);

}  // namespace explaind
