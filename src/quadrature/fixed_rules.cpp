#include "quadrature/fixed_rules.hpp"

#include <boost/math/special_functions/legendre.hpp>

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

FixedRule midpoint_rule(int n) {
  FixedRule rule;
  for (int i = 0; i < n; ++i) {
    rule.nodes.push_back((i + 0.5) / n);
    rule.weights.push_back(1.0 / n);
  }
  return rule;
}

}  // namespace explaind
