#pragma once
// One level of nested Clenshaw–Curtis: nodes, weights, and what the decay of Chebyshev coefficients
// says about the error. method.md §4, steps 1 to 3.
//
// Legend: n nodes, p = n − 1, C tensors; values: n C, C fastest.

#include <cstddef>
#include <vector>

namespace explaind {

/// Size and decay of an integrand's last Chebyshev coefficients, largest over tensors.
struct CoefficientDecay {
  double last = 0;   ///< M2 = max m_{p−2..p}; of n = 5 m_{3..4}, of n = 3 m_2
  double rate = 0;   ///< r = min(.995, (M2/M1)^(1/(p−q))), q = p/2
  double ratio = 0;  ///< M2/M1
};

class ChebyshevLevel {
 public:
  /// n = 2^k + 1, k ≥ 1.
  explicit ChebyshevLevel(int n);

  [[nodiscard]] int size() const { return n_; }
  [[nodiscard]] const std::vector<double>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<double>& weights() const { return weights_; }

  /// values[k]: pointer to the C values at node k.
  [[nodiscard]] CoefficientDecay decay(const std::vector<const double*>& values,
                                       size_t tensors) const;

  /// T: the rule's aliasing error if the coefficients go on decaying as observed.
  [[nodiscard]] double tail(const CoefficientDecay& decay) const;

 private:
  /// Index of row j, column k in transform_.
  [[nodiscard]] size_t place(int j, int k) const {
    return static_cast<size_t>(j) * static_cast<size_t>(n_) + static_cast<size_t>(k);
  }

  int n_;
  std::vector<double> nodes_, weights_;
  std::vector<double> transform_;  ///< n n: a = transform · values (DCT-I, a_0 and a_p halved)
  std::vector<double> aliasing_;   ///< |I(p+j) − I(fold(p+j))|, j = 2, 4, …, 4p
};

}  // namespace explaind
