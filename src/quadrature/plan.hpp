#pragma once
// Quadrature over t in [0, 1] by ask and tell: which nodes to evaluate for which samples, when each
// sample is done, and with which weights its scores are summed. method.md §4; the executable
// specification is quadrature_spec.py (shared design).
//
// Legend: S samples of the chunk, O outputs (functionals) of each, C tensors, f_c(t) the
// directional derivative of a sample's F through tensor c.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quadrature/options.hpp"

namespace explaind {

/// O outputs, each with a tolerance of its own, and C tensors: what the values of a sample at a
/// node are, O C, C fastest.
struct IntegrandShape {
  size_t outputs = 1, tensors = 1;
  [[nodiscard]] size_t size() const { return outputs * tensors; }
};

/// Evaluate `samples` (ascending) at t. `value_only`: only F is wanted (the ends under fixed
/// rules).
///
/// The integral kept in accumulator a of a sample is Σ over asks of weight · f(t), formed from zero
/// within a round in ascending t and then added to what is there. Weights are 0 where the node does
/// not enter, and all are where the final weights are not known yet (Simpson before its replay).
struct Ask {
  double t = 0;
  std::vector<int64_t> samples;
  bool value_only = false;
  int accumulators = 0;
  std::vector<double> weights;  ///< samples × accumulators, row-major

  [[nodiscard]] std::span<const double> weights_of(int64_t row) const {
    const auto width = static_cast<size_t>(accumulators);
    return std::span(weights).subspan(static_cast<size_t>(row) * width, width);
  }
};

/// What became of one sample.
struct SampleVerdict {
  enum class End {
    met,      ///< by Clenshaw–Curtis
    kinks,    ///< met by Simpson
    limited,  ///< by the precision: more nodes would not help
    missed,   ///< at a cap, or a value is not finite
    fixed     ///< a rule without error estimate
  };
  End end = End::missed;
  double value_from = 0, value_to = 0;  ///< F at t = 0 and 1 (of several outputs the first)
  double error = 0;     ///< estimated, largest over outputs and tensors; NaN for fixed rules and
                        ///< values not finite
  int evaluations = 0;  ///< of gradients; the replay of Simpson's nodes is not counted again
  int accumulator = 0;  ///< which one holds the integral; −1: none (Simpson without a replay)
  std::vector<double>
      integrals;  ///< O C: per output and tensor, to the bit what its accumulator holds
};

/// The plan of one chunk, as a rule makes it (rule.hpp). Samples do not influence each other: each
/// is asked the nodes that it alone needs.
///
/// Use: while (!done()) { asks = next(); evaluate; tell(...); }. A round's asks are in ascending t.
class QuadraturePlan {
 public:
  virtual ~QuadraturePlan() = default;

  [[nodiscard]] virtual bool done() const = 0;
  /// The asks of this round, ascending t, empty lists left out; the same until told.
  [[nodiscard]] virtual const std::vector<Ask>& next() const = 0;
  /// values[i]: of ask i, row-major [its samples, O, C] (empty where value_only); ends: F of every
  /// sample asked at t = 0 and t = 1 in this round — functionals[i] is row-major [its samples, O],
  /// read only where t is 0 or 1.
  virtual void tell(const std::vector<std::vector<double>>& functionals,
                    const std::vector<std::vector<double>>& values) = 0;
  /// Accumulators a sample may need at once: one per level of Clenshaw–Curtis, and the last for
  /// Simpson where it can be replayed; 1 for fixed rules.
  [[nodiscard]] virtual int accumulators() const = 0;
  /// True where this round replays Simpson's nodes, t = 0 and 1 among them, with their final
  /// weights: scores are accumulated, and what is told is not looked at (it may be empty).
  [[nodiscard]] virtual bool replaying() const = 0;
  /// Valid when done.
  [[nodiscard]] virtual const SampleVerdict& verdict(int64_t sample) const = 0;
};

/// scores_follow_tensors: true where kept scores are sums of the tensors' integrals (no replay is
/// asked for then). outputs: O, functionals of a sample that share its nodes, each with a tolerance
/// relative to its own |ΔF|; a sample is done when all are. Throws UsageError as check_quadrature
/// does. Not collective.
std::unique_ptr<QuadraturePlan> make_plan(const QuadratureOptions& options, int64_t samples,
                                          int64_t tensors, bool scores_follow_tensors,
                                          int64_t outputs = 1);

/// The plan of a segment on which nothing moves: asks F at both ends and no gradient, and every
/// integral is zero.
std::unique_ptr<QuadraturePlan> make_still_plan(const QuadratureOptions& options, int64_t samples,
                                                int64_t tensors, int64_t outputs = 1);

}  // namespace explaind
