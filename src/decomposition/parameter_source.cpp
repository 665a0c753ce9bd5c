#include "decomposition/parameter_source.hpp"

namespace explaind {

std::vector<ParameterRows> whole(const Network& network, const std::vector<ParameterId>& ids) {
  std::vector<ParameterRows> parts;
  for (const ParameterId id : ids) {
    parts.push_back({.parameter = id,
                     .first = 0,
                     .count = network.parameters()[static_cast<size_t>(id)].shape.at(0)});
  }
  return parts;
}

}  // namespace explaind
