#pragma once
// Quadrature rules on [0, 1] with nodes known in advance.

#include <vector>

namespace explaind {

/// Nodes on [0, 1] ascending and weights summing to 1.
struct FixedRule {
  std::vector<double> nodes, weights;
};

/// Gauss–Legendre, exact for polynomials up to degree 2n − 1. n ≥ 1.
FixedRule gauss_rule(int n);

/// Midpoints of n equal panels. n ≥ 1.
FixedRule midpoint_rule(int n);

}  // namespace explaind
