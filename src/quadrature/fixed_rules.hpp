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

/// n = 2^k + 1 ≥ 3 nodes sin²(πi / 2(n−1)), both ends included; every other one is a node of the
/// rule with (n+1)/2, to the bit.
FixedRule clenshaw_curtis_rule(int n);

}  // namespace explaind
