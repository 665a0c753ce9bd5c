#include "quadrature/node_record.hpp"

#include <algorithm>
#include <span>

namespace explaind {

void NodeRecord::add(const std::vector<Ask>& asks) {
  for (const Ask& ask : asks) {
    if (ask.value_only) continue;
    for (size_t row = 0; row < ask.samples.size(); ++row) {
      const std::span<const double> weights = ask.weights_of(static_cast<int64_t>(row));
      SampleNodes& of_sample = nodes_[static_cast<size_t>(ask.samples[row])];
      of_sample.resize(std::max(of_sample.size(), weights.size()));
      for (size_t a = 0; a < weights.size(); ++a) {
        if (weights[a] != 0) of_sample[a].push_back({.t = ask.t, .weight = weights[a]});
      }
    }
  }
}

std::vector<WeightedNode> NodeRecord::of(int64_t sample, const SampleVerdict& verdict) const {
  const SampleNodes& of_sample = nodes_[static_cast<size_t>(sample)];
  const auto accumulator = static_cast<size_t>(verdict.accumulator);
  if (verdict.accumulator < 0 || accumulator >= of_sample.size()) return {};
  std::vector<WeightedNode> nodes = of_sample[accumulator];
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const WeightedNode& a, const WeightedNode& b) { return a.t < b.t; });
  return nodes;
}

}  // namespace explaind
