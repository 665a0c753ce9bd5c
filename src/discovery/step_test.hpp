#pragma once
// Whether a series of vectors shifts at a step, beyond what a drift would do.

#include <Eigen/Core>
#include <cstdint>

#include "core/split_mix.hpp"

namespace explaind {

/// T K: a vector of K numbers at each of T times.
using Series = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A model y(t) = a + b t + c [t ≥ cut], in all K numbers, by least squares.
struct StepFit {
  Eigen::Index cut = 0;  ///< the first time after the shift
  /// F of c over that of the autocorrelation: explained / residual · (1 − ρ) / (1 + ρ).
  double statistic = 0;
  double explained = 0, residual = 0;  ///< sums of squares: by c beyond the drift, and what is left
};

/// A correlation of residuals r, with (3 + 3 r) / T added: about what fitting a drift and a step at
/// the best cut takes from it. Between 0 and .9.
double corrected_autocorrelation(double r, Eigen::Index times);

/// The cut that explains most, of those with at least `least` times on both sides. ρ is the
/// residuals' correlation from one time to the next (corrected_autocorrelation), of all numbers
/// together: slow fluctuations look like shifts.
StepFit best_step(const Series& series, Eigen::Index least);

/// The p-value of the best cut's statistic. What is left of the series without its drift is put
/// into random orders (Freedman and Lane 1983), and the best cut of each is taken.
double step_p_value(const Series& series, Eigen::Index least, int64_t permutations,
                    SplitMix64 random);

/// Whether a drift alone, a polynomial of the third degree in t, leaves at most as much of the
/// series as the step does.
bool drift_explains(const Series& series, const StepFit& fit);

/// The same series in as few numbers a time as keep all its distances.
Series compressed(const Series& series);

}  // namespace explaind
