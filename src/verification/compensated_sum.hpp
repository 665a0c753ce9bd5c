#pragma once
// Sums whose own rounding is below that of what is checked.

#include <cmath>

namespace explaind {

/// Neumaier's: what an addition loses is kept beside the sum.
class CompensatedSum {
 public:
  void add(double value) {
    const double sum = sum_ + value;
    lost_ += std::abs(sum_) >= std::abs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
    sum_ = sum;
  }
  /// NaN and infinity where something that was added is not finite.
  [[nodiscard]] double value() const { return std::isfinite(sum_) ? sum_ + lost_ : sum_; }

 private:
  double sum_ = 0, lost_ = 0;
};

}  // namespace explaind
