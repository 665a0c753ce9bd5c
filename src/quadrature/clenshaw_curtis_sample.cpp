#include "quadrature/clenshaw_curtis_sample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace explaind {
namespace {

/// R: the residual beyond rounding, enlarged by how much the tensors' changes between two levels
/// cancel in their sum.
double residual_estimate(double residual, const std::vector<double>& difference, double floor) {
  double largest = 0, sum = 0;
  for (const double each : difference) {
    largest = std::max(largest, std::abs(each));
    sum += each;
  }
  const double cancelled = largest / std::max({std::abs(sum), floor, 1e-300});
  return 2 * std::max(std::abs(residual) - floor, 0.0) * std::clamp(cancelled, 1.0, 1e3);
}

}  // namespace

ClenshawCurtisLevels::ClenshawCurtisLevels(int max_nodes, int first_nodes)
    : below_first_(ChebyshevLevel((first_nodes + 1) / 2).weights()) {
  for (int n = first_nodes; n <= max_nodes; n = 2 * n - 1) levels_.emplace_back(n);
  const auto size = static_cast<size_t>(max_nodes);
  for (size_t l = 0; l < count(); ++l) {
    std::vector<size_t> indices;
    const size_t step = stride(l);
    for (size_t k = l == 0 ? 0 : step; k < size; k += l == 0 ? step : 2 * step) {
      indices.push_back(k);
    }
    new_nodes_.push_back(std::move(indices));
  }
}

size_t ClenshawCurtisLevels::index_of(double t) const {
  const std::vector<double>& nodes = levels_.back().nodes();
  return static_cast<size_t>(std::lower_bound(nodes.begin(), nodes.end(), t) - nodes.begin());
}

ClenshawCurtisSample::ClenshawCurtisSample(const ClenshawCurtisLevels& levels,
                                           const QuadratureOptions& options, IntegrandShape shape)
    : levels_(levels), options_(options), shape_(shape), tolerances_(shape.outputs) {
  values_.resize(levels.level(levels.count() - 1).nodes().size());
}

void ClenshawCurtisSample::set_value(size_t index, const double* values) {
  values_[index].assign(values, values + shape_.size());
  ++evaluations_;
}

std::vector<double> ClenshawCurtisSample::shared_value(double t) const {
  return values_[levels_.index_of(t)];
}

std::vector<double> ClenshawCurtisSample::integrate() const {
  std::vector<double> total(shape_.size(), 0.0), round(shape_.size());
  for (size_t l = 0; l <= level_; ++l) {
    std::fill(round.begin(), round.end(), 0.0);
    for (const size_t index : levels_.new_nodes(l)) {
      const double weight = levels_.weight(level_, index);
      for (size_t c = 0; c < round.size(); ++c) round[c] += weight * values_[index][c];
    }
    for (size_t c = 0; c < total.size(); ++c) total[c] += round[c];
  }
  return total;
}

ClenshawCurtisSample::Estimate ClenshawCurtisSample::estimate(size_t output, double change) const {
  const ChebyshevLevel& level = levels_.level(level_);
  const size_t tensors = shape_.tensors, first = output * tensors;
  std::vector<const double*> values;
  for (size_t k = 0; k < values_.size(); k += levels_.stride(level_)) {
    values.push_back(values_[k].data() + first);
  }
  const double* integrals = integrals_.data() + first;

  std::vector<double> difference(integrals, integrals + tensors), gross(tensors, 0.0);
  for (size_t k = 0; k < values.size(); ++k) {
    for (size_t c = 0; c < tensors; ++c) {
      gross[c] += std::abs(level.weights()[k] * values[k][c]);
      if (k % 2 == 0) difference[c] -= levels_.coarse_weights(level_)[k / 2] * values[k][c];
    }
  }
  double sum = 0, scale = 0, changed = 0, floor = 0, rounding = 0;
  for (size_t c = 0; c < tensors; ++c) {
    sum += integrals[c];
    rounding += options_.epsilon * gross[c];
    scale += std::abs(integrals[c]);
    changed = std::max(changed, std::abs(difference[c]));
    floor = std::max(floor, options_.epsilon * gross[c]);
  }
  const CoefficientDecay decay = level.decay(values, tensors);
  Estimate found;
  found.tolerance = options_.relative * (options_.relative_to_gross ? scale : std::abs(change)) +
                    options_.absolute;
  found.residual = change - sum;
  found.converged = changed <= times_rounding * floor;
  found.rounded = std::abs(found.residual) <= times_rounding * rounding;
  found.ratio = decay.ratio;
  found.error =
      std::max(level.tail(decay), residual_estimate(found.residual, difference, floor)) + floor;
  return found;
}

bool ClenshawCurtisSample::looks_like_kinks(int n, double ratio) const {
  if (n == 33) return ratio > 0.25;
  // A few weak kinks among smooth terms show late: the last level has not resolved them.
  if (n == 129) return options_.smoothness != Smoothness::smooth;
  // Before that coefficients of a smooth integrand that are not small yet look just the same.
  if (options_.smoothness == Smoothness::smooth) return false;
  if (n == 17) return ratio > 0.6;
  // Where single steps are begun with few nodes the integrand is nearly constant but for its kinks.
  return options_.smoothness == Smoothness::kinks && options_.first_nodes < 9 &&
         (n == 5 || n == 9) && ratio > 0.1;
}

LevelVerdict ClenshawCurtisSample::judge(std::span<const double> change) {
  const int n = levels_.level(level_).size();
  integrals_ = integrate();
  error_ = 0;
  bool met = true, settled = true, kinks = false;
  for (size_t output = 0; output < shape_.outputs; ++output) {
    const Estimate found = estimate(output, change[output]);
    if (!std::isfinite(found.residual)) {  // no further node can mend a value that is not finite
      error_ = std::numeric_limits<double>::quiet_NaN();
      return LevelVerdict::missed;
    }
    tolerances_[output] = found.tolerance;
    error_ = std::max(error_, found.error);
    if (found.met()) continue;
    met = false;
    settled = settled && found.converged && (n >= 17 || (n == 9 && found.rounded));
    kinks = kinks || (!found.converged && looks_like_kinks(n, found.ratio));
  }
  if (met) return LevelVerdict::met;
  if (settled) return LevelVerdict::limited;
  if (kinks) return LevelVerdict::kinks;
  if (level_ + 1 == levels_.count()) return LevelVerdict::missed;
  ++level_;
  return LevelVerdict::refine;
}

}  // namespace explaind
