#include "model/networks.hpp"

#include <algorithm>

#include "model/decoder.hpp"

namespace explaind {
namespace {

/// Adds what is not there yet, each after what it follows in `own`.
void merge(const std::vector<ParameterInfo>& own, std::vector<ParameterInfo>& all) {
  auto place = all.begin();
  for (const ParameterInfo& parameter : own) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const ParameterInfo& each) {
      return each.name == parameter.name;
    });
    if (found == all.end()) {
      place = all.insert(place, parameter) + 1;
    } else {
      found->uses = std::max(found->uses, parameter.uses);
      place = found + 1;
    }
  }
}

}  // namespace

std::vector<std::unique_ptr<Network>> build_networks(const std::vector<NamedConfig>& configs) {
  std::vector<std::unique_ptr<Network>> networks;
  if (configs.size() == 1) {
    networks.push_back(build_network(configs.front().config, configs.front().where));
    return networks;
  }
  std::vector<DecoderConfig> read;
  std::vector<ParameterInfo> all;
  for (const NamedConfig& each : configs) {
    read.push_back(read_decoder_config(each.config, each.where));
    merge(lay_out(read.back()).parameters, all);
  }
  for (size_t i = 0; i < configs.size(); ++i) {
    networks.push_back(std::make_unique<Decoder>(read[i], all, configs[i].where));
  }
  return networks;
}

}  // namespace explaind
