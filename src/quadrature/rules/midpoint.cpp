// Midpoints of equal panels.

#include "quadrature/rule.hpp"

namespace explaind {

FixedRule midpoint_rule(int n) {
  FixedRule rule;
  for (int i = 0; i < n; ++i) {
    rule.nodes.push_back((i + 0.5) / n);
    rule.weights.push_back(1.0 / n);
  }
  return rule;
}

namespace {

class Midpoint final : public FixedQuadrature {
 public:
  [[nodiscard]] const char* name() const override { return "midpoint"; }
  [[nodiscard]] int most_nodes() const override { return 1000000; }
  [[nodiscard]] FixedRule of_nodes(int n) const override { return midpoint_rule(n); }
};

}  // namespace

const QuadratureRule& midpoint_quadrature() {
  static const Midpoint rule;
  return rule;
}

}  // namespace explaind
