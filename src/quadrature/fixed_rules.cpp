#include "quadrature/fixed_rules.hpp"

#include <algorithm>
#include <boost/math/special_functions/legendre.hpp>
#include <cmath>

#include "quadrature/chebyshev.hpp"

namespace explaind {

FixedRule gauss_rule(int n) {
  FixedRule rule;
  // Boost gives the zeros x ≥ 0 of the Legendre polynomial; the others are their mirror images.
  std::vector<double> zeros = boost::math::legendre_p_zeros<double>(n);
  for (size_t i = zeros.size(); i-- > 0;) {
    if (zeros[i] > 0) zeros.push_back(-zeros[i]);
  }
  std::sort(zeros.begin(), zeros.end());
  for (const double x : zeros) {
    const double slope = boost::math::legendre_p_prime(n, x);
    rule.nodes.push_back((1 + x) / 2);
    rule.weights.push_back(1 / ((1 - x * x) * slope * slope));
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

FixedRule clenshaw_curtis_rule(int n) {
  const ChebyshevLevel level(n);
  return {level.nodes(), level.weights()};
}

}  // namespace explaind
