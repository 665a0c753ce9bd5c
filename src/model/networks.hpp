#pragma once
// Networks of one series, whose config changed between checkpoints: one numbering of parameters for
// all of them.

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace explaind {

/// What a config.json says, and the file it is from.
struct NamedConfig {
  nlohmann::json config;
  std::string where;
};

/// One network a config. All have the same parameters(): those of every one of them, each after
/// what it follows in its own network, and a tied matrix with the most uses. A parameter that a
/// network does not have is in none of its operations. Of one config it is build_network's.
///
/// Throws DataError as build_network does, and where networks divide a tensor of one name
/// differently.
std::vector<std::unique_ptr<Network>> build_networks(const std::vector<NamedConfig>& configs);

}  // namespace explaind
