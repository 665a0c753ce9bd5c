#pragma once
// The rule that an adaptive plan has ended with, sample by sample.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "quadrature/plan.hpp"

namespace explaind {

/// A node of a sample's integral, Σ weight · f(t).
struct WeightedNode {
  double t = 0, weight = 0;
};
/// Per sample, ascending in t.
using SampleNodes = std::vector<std::vector<WeightedNode>>;

/// Listens to a plan's asks, so that the integral can be formed again at the nodes it chose. The
/// plan must replay (scores_follow_tensors false): Simpson's weights are known at its end only.
class NodeRecord {
 public:
  explicit NodeRecord(int64_t samples) : nodes_(static_cast<size_t>(samples)) {}

  /// Every round's asks, in order.
  void add(const std::vector<Ask>& asks);
  /// The nodes of a sample's integral; none where it has none (values that are not finite).
  [[nodiscard]] std::vector<WeightedNode> of(int64_t sample, const SampleVerdict& verdict) const;

 private:
  std::vector<SampleNodes> nodes_;  ///< sample, accumulator
};

}  // namespace explaind
