#include "quadrature/fixed_rules.hpp"

#include <cmath>
#include <numbers>
#include <utility>

namespace explaind {

FixedRule gauss_rule(int n) {
  FixedRule rule;
  rule.nodes.resize(static_cast<size_t>(n));
  rule.weights.resize(static_cast<size_t>(n));
  for (int i = 0; i < (n + 1) / 2; ++i) {
    // Newton from the asymptotic zero; P_n and P_n' by the three-term recurrence, in long double so
    // that large n lose no digits.
    long double x = std::cos(std::numbers::pi_v<long double> * (i + 0.75L) / (n + 0.5L));
    long double slope = 0;
    for (int iteration = 0; iteration < 100; ++iteration) {
      long double previous = 1, value = x;
      for (int k = 2; k <= n; ++k) {
        previous = std::exchange(value, ((2 * k - 1) * x * value - (k - 1) * previous) / k);
      }
      slope = n * (x * value - previous) / (x * x - 1);
      const long double step = value / slope;
      x -= step;
      if (std::abs(step) < 1e-18L) break;
    }
    const auto low = static_cast<size_t>(i), high = static_cast<size_t>(n - 1 - i);
    const auto weight = static_cast<double>(1 / ((1 - x * x) * slope * slope));
    rule.nodes[low] = static_cast<double>((1 - x) / 2);
    rule.nodes[high] = 2 * i + 1 == n ? 0.5 : static_cast<double>((1 + x) / 2);
    rule.weights[low] = rule.weights[high] = weight;
  }
  return rule;
}

FixedRule midpoint_rule(int n) {
  FixedRule rule;
  for (int i = 0; i < n; ++i) {
    rule.nodes.push_back((i + 0.5) / n);
    rule.weights.push_back(1.0 / n);
  }
  return rule;
}

}  // namespace explaind
