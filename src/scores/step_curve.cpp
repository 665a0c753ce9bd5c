#include "scores/step_curve.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace explaind {

StepCurve step_curve(const std::vector<int64_t>& steps, const std::vector<double>& change) {
  std::vector<size_t> order(change.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return change[a] > change[b]; });
  StepCurve curve;
  for (const size_t segment : order) {
    curve.from.push_back(steps[segment]);
    curve.to.push_back(steps[segment + 1]);
    curve.change.push_back(change[segment]);
  }
  curve.explained.resize(change.size());
  std::partial_sum(curve.change.begin(), curve.change.end(), curve.explained.begin());
  const double total = change.empty() ? 0 : curve.explained.back();
  for (double& share : curve.explained) share = total > 0 ? share / total : 0;
  return curve;
}

}  // namespace explaind
