#include "parameters/parameter_source.hpp"

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

at::ScalarType type_of(const ParameterInfo& parameter, const Precision& precision) {
  return parameter.shape.size() > 1 ? precision.products : precision.type;
}

}  // namespace explaind
