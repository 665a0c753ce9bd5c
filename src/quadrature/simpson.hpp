#pragma once
// Adaptive Simpson with one global error budget, for integrands with kinks (method.md §4).

#include <array>
#include <cstddef>
#include <map>
#include <vector>

namespace explaind {

/// What a bisection begins with: O outputs of C tensors.
struct BisectionStart {
  std::vector<double> at_zero, at_half, at_one;  ///< values at 0, ½ and 1: O C, C fastest
  std::vector<double> change, tolerances;        ///< O
  int spent = 0;                                 ///< evaluations before, these three included
};

/// The bisection of one sample. Nodes are dyadic, so that their doubles are exact keys.
class SimpsonBisection {
 public:
  /// All outputs must meet their tolerance; the worst panel is that with the largest error beside
  /// it. cap: of evaluations. epsilon: of the compute precision.
  SimpsonBisection(BisectionStart start, int cap, double epsilon);

  [[nodiscard]] bool done() const { return done_; }
  /// Both nodes that the worst panel's halves need; while not done.
  [[nodiscard]] const std::array<double, 2>& asked() const { return asked_; }
  /// Values at the nodes asked for, in their order.
  void tell(std::vector<double> first, std::vector<double> second);

  [[nodiscard]] bool met() const { return met_; }
  /// Not met, and more nodes would not help: the rest is rounding.
  [[nodiscard]] bool limited() const { return limited_; }
  /// Σ over panels, the largest of all outputs; NaN where a value is not finite, which ends the
  /// bisection.
  [[nodiscard]] double error() const { return error_; }
  [[nodiscard]] int evaluations() const { return evaluations_; }
  /// Weight of every node used by the final panels, ascending; they sum to 1.
  [[nodiscard]] std::map<double, double> weights() const;
  /// Σ weight · value in ascending t, of every output and tensor.
  [[nodiscard]] std::vector<double> integrals() const;

 private:
  struct Panel {
    double begin = 0, end = 0;
    std::vector<double> integral;  ///< Simpson's, of every output and tensor
    std::vector<double> gross;     ///< the same of absolute values
    std::vector<double> errors;  ///< of every output: ½ |Simpson − trapezoid|, largest over tensors
  };
  [[nodiscard]] Panel panel(double begin, double end) const;
  /// Its error where it is worst beside the tolerance, of outputs that have not met it.
  [[nodiscard]] double badness(const Panel& panel, const std::vector<bool>& open) const;
  /// What all panels say of one output.
  struct Estimate {
    double residual = 0, error = 0;
    double floor = 0;     ///< rounding of the largest tensor's integral
    double rounding = 0;  ///< of all tensors' together
  };
  [[nodiscard]] Estimate estimate(size_t output) const;
  /// Decides whether to stop; else takes the worst panel out and asks for its halves' midpoints.
  void advance();

  std::map<double, std::vector<double>> values_;
  std::vector<Panel> panels_;
  std::vector<double> change_, tolerances_;
  int evaluations_, cap_;
  double epsilon_;
  bool done_ = false, met_ = false, limited_ = false;
  double error_ = 0;
  Panel split_;
  std::array<double, 2> asked_{};
};

}  // namespace explaind
