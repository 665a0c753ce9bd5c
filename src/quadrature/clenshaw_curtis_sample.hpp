#pragma once
// The refinement of one sample by nested Clenshaw–Curtis rules: estimates and verdicts of method.md
// §4, steps 3 to 5.

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "quadrature/chebyshev.hpp"
#include "quadrature/options.hpp"
#include "quadrature/plan.hpp"

namespace explaind {

/// The levels 9, 17, 33, 65, 129 from the first, which may be 3 or 5, up to a cap, shared by all
/// samples of a plan. Nodes are known by their index on the finest level, whatever level asks for
/// them.
class ClenshawCurtisLevels {
 public:
  /// Both are levels (check_quadrature).
  explicit ClenshawCurtisLevels(int max_nodes, int first_nodes = 9);

  [[nodiscard]] size_t count() const { return levels_.size(); }
  [[nodiscard]] const ChebyshevLevel& level(size_t l) const { return levels_[l]; }
  /// Weights of the rule of every other node of level l, for differences; of the first level too.
  [[nodiscard]] const std::vector<double>& coarse_weights(size_t l) const {
    return l == 0 ? below_first_ : levels_[l - 1].weights();
  }
  /// Nodes of level l, ascending, that no level before has: all of them at level 0.
  [[nodiscard]] const std::vector<size_t>& new_nodes(size_t l) const { return new_nodes_[l]; }
  /// Distance of neighbours on level l.
  [[nodiscard]] size_t stride(size_t l) const { return size_t{1} << (count() - 1 - l); }
  [[nodiscard]] double node(size_t index) const { return levels_.back().nodes()[index]; }
  /// The node at t, which is exactly one of the nodes.
  [[nodiscard]] size_t index_of(double t) const;
  /// Weight on level l of one of its nodes.
  [[nodiscard]] double weight(size_t l, size_t index) const {
    return levels_[l].weights()[index / stride(l)];
  }

 private:
  std::vector<ChebyshevLevel> levels_;
  std::vector<double> below_first_;
  std::vector<std::vector<size_t>> new_nodes_;
};

/// What to do with a sample after a level.
enum class LevelVerdict { met, limited, kinks, refine, missed };

class ClenshawCurtisSample {
 public:
  /// Keeps references to levels and options.
  ClenshawCurtisSample(const ClenshawCurtisLevels& levels, const QuadratureOptions& options,
                       IntegrandShape shape);

  [[nodiscard]] size_t level() const { return level_; }
  /// O C values at a node, by its index on the finest level.
  void set_value(size_t index, const double* values);
  /// Judges the running level once all its values are set, and moves on to the next where the
  /// verdict is refine. change: ΔF of every output. All outputs must have met their tolerances.
  LevelVerdict judge(std::span<const double> change);

  /// Integrals of the level judged last: O C.
  [[nodiscard]] const std::vector<double>& integrals() const { return integrals_; }
  /// Estimated, the largest of all outputs.
  [[nodiscard]] double error() const { return error_; }
  /// The tolerance of every output.
  [[nodiscard]] const std::vector<double>& tolerances() const { return tolerances_; }
  [[nodiscard]] int evaluations() const { return evaluations_; }
  /// O C values at a node that every level has: t = 0, ½ or 1.
  [[nodiscard]] std::vector<double> shared_value(double t) const;

 private:
  /// Σ over rounds of the rounds' sums, each from zero in ascending t: the order in which
  /// accumulators are filled.
  [[nodiscard]] std::vector<double> integrate() const;
  /// What a level says of one output.
  struct Estimate {
    double residual = 0, error = 0, tolerance = 0;
    double ratio = 0;        ///< M2/M1
    bool converged = false;  ///< no tensor changed by more than rounding between two levels
    bool rounded = false;    ///< the residual is no larger than rounding makes it
    [[nodiscard]] bool met() const { return std::abs(residual) <= tolerance && error <= tolerance; }
  };
  [[nodiscard]] Estimate estimate(size_t output, double change) const;
  [[nodiscard]] bool looks_like_kinks(int n, double ratio) const;

  const ClenshawCurtisLevels& levels_;
  const QuadratureOptions& options_;
  IntegrandShape shape_;
  size_t level_ = 0;
  int evaluations_ = 0;
  std::vector<std::vector<double>> values_;  ///< per node of the finest level; empty: not asked
  std::vector<double> integrals_;
  std::vector<double> tolerances_;
  double error_ = 0;
};

}  // namespace explaind
