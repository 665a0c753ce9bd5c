// Gauss–Legendre.

#include <boost/math/special_functions/legendre.hpp>

#include "quadrature/rule.hpp"

namespace explaind {

FixedRule gauss_rule(int n) {
  FixedRule rule;
  rule.nodes.resize(static_cast<size_t>(n));
  rule.weights.resize(static_cast<size_t>(n));
  // The zeros of P_n that are not negative, ascending. long double, so that large n lose no digits.
  const std::vector<long double> zeros = boost::math::legendre_p_zeros<long double>(n);
  for (size_t i = 0; i < zeros.size(); ++i) {
    const long double x = zeros[zeros.size() - 1 - i], slope = boost::math::legendre_p_prime(n, x);
    const size_t low = i, high = static_cast<size_t>(n) - 1 - i;
    rule.nodes[low] = static_cast<double>((1 - x) / 2);
    rule.nodes[high] = static_cast<double>((1 + x) / 2);
    rule.weights[low] = rule.weights[high] = static_cast<double>(1 / ((1 - x * x) * slope * slope));
  }
  return rule;
}

namespace {

class Gauss final : public FixedQuadrature {
 public:
  [[nodiscard]] const char* name() const override { return "gauss"; }
  /// Newton's zeros and weights are tested up to here.
  [[nodiscard]] int most_nodes() const override { return 1000; }
  [[nodiscard]] FixedRule of_nodes(int n) const override { return gauss_rule(n); }
};

}  // namespace

const QuadratureRule& gauss_quadrature() {
  static const Gauss rule;
  return rule;
}

}  // namespace explaind
