#include "planner/model_size.hpp"

#include <algorithm>
#include <numeric>

namespace explaind {

double elements_of(const Network& network, const std::vector<ParameterId>& ids) {
  double count = 0;
  for (const ParameterId id : ids) {
    double elements = 1;
    for (const int64_t length : network.parameters()[static_cast<size_t>(id)].shape) {
      elements *= static_cast<double>(length);
    }
    count += elements;
  }
  return count;
}

double elements_of(const Network& network) {
  std::vector<ParameterId> all(network.parameters().size());
  std::iota(all.begin(), all.end(), ParameterId{0});
  return elements_of(network, all);
}

}  // namespace explaind
