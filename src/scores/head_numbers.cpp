#include "scores/head_numbers.hpp"

#include <algorithm>
#include <map>

namespace explaind {

HeadNumbers head_numbers(const ComponentTable& components) {
  // In a layer the queries have the most heads; keys and values have fewer where queries
  // are grouped.
  std::map<int, int> heads_of_layer;
  std::map<std::string, const ParameterInfo*> named;
  for (const ParameterInfo& parameter : components.parameters()) {
    int& most = heads_of_layer[parameter.layer];
    most = std::max(most, parameter.heads);
    named[parameter.name] = &parameter;
  }
  HeadNumbers numbers;
  for (const Component& component : components.components()) {
    const auto tensor = named.find(component.tensor);
    const bool grouped = tensor != named.end() && tensor->second->heads > 0 &&
                         tensor->second->heads < heads_of_layer[component.layer];
    numbers.head.push_back(grouped ? -1 : component.head);
    numbers.kv_head.push_back(grouped ? component.head : -1);
  }
  return numbers;
}

}  // namespace explaind
