#include "discovery/step_test.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "discovery/permutation.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

/// A straight line over T times, with mean 0 and length 1.
VectorXd drift_of(Index times) {
  VectorXd line = VectorXd::LinSpaced(times, -1, 1);
  return line / line.norm();
}

void remove_drift(Series& series, const VectorXd& line) {
  series.rowwise() -= series.colwise().mean().eval();
  const Eigen::RowVectorXd slope = line.transpose() * series;
  series.noalias() -= line * slope;
}

/// [t ≥ cut] without its mean and its drift, of length 1; and what it was divided by.
VectorXd step_at(Index cut, const VectorXd& line, double& length) {
  VectorXd step = VectorXd::Zero(line.size());
  step.tail(line.size() - cut).setOnes();
  step.array() -= step.mean();
  step -= line * line.dot(step);
  length = step.norm();
  return step / length;
}

/// The steps of all cuts of so many times.
struct Steps {
  Steps(Index times, Index fewest) : least(fewest), line(drift_of(times)) {
    for (Index cut = 0; cut < times; ++cut) {
      double length = 1;
      if (cut >= least && times - cut >= least) step_at(cut, line, length);
      lengths.push_back(length);
    }
  }
  Index least;
  VectorXd line;
  std::vector<double> lengths;  ///< per cut
};

double autocorrelation(const Series& residual) {
  const Index times = residual.rows();
  const double whole = residual.squaredNorm();
  if (whole <= 0) return 0;
  const double product =
      residual.topRows(times - 1).cwiseProduct(residual.bottomRows(times - 1)).sum();
  return corrected_autocorrelation(product / whole, times);
}

/// Of a series without mean and drift, which its own step's residuals take the place of.
StepFit fit_of(Series& series, const Steps& steps) {
  const Index times = series.rows();
  StepFit best;
  Eigen::RowVectorXd after = Eigen::RowVectorXd::Zero(series.cols());
  const double whole = series.squaredNorm();
  for (Index cut = times - 1; cut >= steps.least; --cut) {
    after += series.row(cut);
    if (times - cut < steps.least) continue;
    const double length = steps.lengths[static_cast<size_t>(cut)];
    const double explained = after.squaredNorm() / (length * length);
    if (explained > best.explained) best = {.cut = cut, .explained = explained};
  }
  best.residual = std::max(whole - best.explained, 0.0);
  if (best.explained <= 0) return best;
  double length = 1;
  const VectorXd step = step_at(best.cut, steps.line, length);
  const Eigen::RowVectorXd size = step.transpose() * series;
  series.noalias() -= step * size;
  const double rho = autocorrelation(series);
  best.statistic = static_cast<double>(times - 3) * best.explained /
                   std::max(best.residual, 1e-12 * whole) * (1 - rho) / (1 + rho);
  return best;
}

/// Rounding leaves something of a series that is nothing but a drift.
bool is_nothing(const Series& detrended, const Series& series) {
  return detrended.squaredNorm() <= 1e-20 * series.squaredNorm();
}

}  // namespace

double corrected_autocorrelation(double r, Index times) {
  return std::clamp(r + (3 + 3 * std::max(r, 0.0)) / static_cast<double>(times), 0.0, 0.9);
}

StepFit best_step(const Series& series, Index least) {
  const Steps steps(series.rows(), least);
  Series left = series;
  remove_drift(left, steps.line);
  if (is_nothing(left, series)) return {};
  return fit_of(left, steps);
}

double step_p_value(const Series& series, Index least, int64_t permutations, SplitMix64 random) {
  const Steps steps(series.rows(), least);
  Series left = series;
  remove_drift(left, steps.line);
  if (is_nothing(left, series)) return 1;
  Series drawn = left;
  const double observed = fit_of(drawn, steps).statistic;
  std::vector<size_t> order = identity_order(static_cast<size_t>(series.rows()));
  int64_t reached = 0;
  for (int64_t k = 0; k < permutations; ++k) {
    shuffle(order, random);
    for (Index t = 0; t < left.rows(); ++t) {
      drawn.row(t) = left.row(static_cast<Index>(order[static_cast<size_t>(t)]));
    }
    remove_drift(drawn, steps.line);
    if (reaches(fit_of(drawn, steps).statistic, observed)) ++reached;
  }
  return p_value(reached, permutations);
}

bool drift_explains(const Series& series, const StepFit& fit) {
  const VectorXd t = VectorXd::LinSpaced(series.rows(), -1, 1);
  Eigen::MatrixXd powers(series.rows(), 4);
  powers << VectorXd::Ones(t.size()), t, t.array().square(), t.array().cube();
  const Series left = series - powers * powers.householderQr().solve(series);
  return left.squaredNorm() <= fit.residual;
}

Series compressed(const Series& series) {
  if (series.cols() <= series.rows()) return series;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(series * series.transpose());
  return solver.eigenvectors() * solver.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal();
}

}  // namespace explaind
