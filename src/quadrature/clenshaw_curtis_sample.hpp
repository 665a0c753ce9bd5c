#pragma once
// The refinement of one sample by nested Clenshaw–Curtis rules: estimates and verdicts of method.md
// §4, steps 3 to 5.

#include <cstdint>
#include <vector>

#include "quadrature/adaptive_plan.hpp"
#include "quadrature/chebyshev.hpp"

namespace explaind {

/// The levels 9, 17, 33, 65, 129 up to a cap, shared by all samples of a plan.
class ClenshawCurtisLevels {
 public:
  /// Throws UsageError where max_nodes is none of the levels.
  explicit ClenshawCurtisLevels(int max_nodes);

  [[nodiscard]] size_t count() const { return levels_.size(); }
  [[nodiscard]] const ChebyshevLevel& level(size_t l) const { return levels_[l]; }
  /// The rule of every other node, for differences; of the first level too.
  [[nodiscard]] const std::vector<double>& coarse_weights(size_t l) const { return coarse_[l]; }
  /// Indices (into level l's nodes) that no level before has: all of them at level 0.
  [[nodiscard]] const std::vector<size_t>& new_nodes(size_t l) const { return new_nodes_[l]; }
  /// Weight on level `l` of node `index` of level `at` ≤ l.
  [[nodiscard]] double weight(size_t l, size_t at, size_t index) const {
    return levels_[l].weights()[index << (l - at)];
  }

 private:
  std::vector<ChebyshevLevel> levels_;
  std::vector<std::vector<double>> coarse_;
  std::vector<std::vector<size_t>> new_nodes_;
};

/// What to do with a sample after a level.
enum class LevelVerdict { met, limited, kinks, refine, missed };

class ClenshawCurtisSample {
 public:
  ClenshawCurtisSample(const ClenshawCurtisLevels& levels, const QuadratureOptions& options,
                       size_t tensors);

  [[nodiscard]] size_t level() const { return level_; }
  /// C values at a new node of the running level.
  void set_value(size_t index, const double* values);
  /// Judges the running level once all its values are set, and moves on to the next where the
  /// verdict is refine.
  LevelVerdict judge(double change);

  [[nodiscard]] const std::vector<double>& integrals() const { return fine_; }
  [[nodiscard]] double error() const { return error_; }
  [[nodiscard]] double tolerance() const { return tolerance_; }
  [[nodiscard]] int evaluations() const { return evaluations_; }
  /// C values at a node that every level has: t = 0, ½ or 1.
  [[nodiscard]] std::vector<double> shared_value(double t) const;

 private:
  [[nodiscard]] const double* value(size_t level, size_t index) const;
  /// Σ over rounds of the rounds' sums, each from zero in ascending t: the order in which
  /// accumulators are filled.
  [[nodiscard]] std::vector<double> integrate() const;

  const ClenshawCurtisLevels& levels_;
  const QuadratureOptions& options_;
  size_t tensors_;
  size_t level_ = 0;
  int evaluations_ = 0;
  std::vector<std::vector<double>>
      values_;  ///< per node of the finest level; empty where not asked
  std::vector<double> fine_;
  double error_ = 0, tolerance_ = 0;
};

}  // namespace explaind
