#include "quadrature/clenshaw_curtis_sample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace explaind {
namespace {

/// R: the residual, enlarged by how much the tensors' changes between two levels cancel in their
/// sum.
double residual_estimate(double residual, const std::vector<double>& difference, double floor) {
  double largest = 0, sum = 0;
  for (const double each : difference) {
    largest = std::max(largest, std::abs(each));
    sum += each;
  }
  const double cancelled = largest / std::max({std::abs(sum), floor, 1e-300});
  return 2 * std::abs(residual) * std::clamp(cancelled, 1.0, 1e3);
}

}  // namespace

ClenshawCurtisLevels::ClenshawCurtisLevels(int max_nodes)
    : below_first_(ChebyshevLevel(5).weights()) {
  for (int n = 9; n <= max_nodes; n = 2 * n - 1) levels_.emplace_back(n);
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
                                           const QuadratureOptions& options, size_t tensors)
    : levels_(levels), options_(options), tensors_(tensors) {
  values_.resize(levels.level(levels.count() - 1).nodes().size());
}

void ClenshawCurtisSample::set_value(size_t index, const double* values) {
  values_[index].assign(values, values + tensors_);
  ++evaluations_;
}

std::vector<double> ClenshawCurtisSample::shared_value(double t) const {
  return values_[levels_.index_of(t)];
}

std::vector<double> ClenshawCurtisSample::integrate() const {
  std::vector<double> total(tensors_, 0.0), round(tensors_);
  for (size_t l = 0; l <= level_; ++l) {
    std::fill(round.begin(), round.end(), 0.0);
    for (const size_t index : levels_.new_nodes(l)) {
      const double weight = levels_.weight(level_, index);
      for (size_t c = 0; c < tensors_; ++c) round[c] += weight * values_[index][c];
    }
    for (size_t c = 0; c < tensors_; ++c) total[c] += round[c];
  }
  return total;
}

void ClenshawCurtisSample::estimate(double change) {
  const ChebyshevLevel& level = levels_.level(level_);
  std::vector<const double*> values;
  for (size_t k = 0; k < values_.size(); k += levels_.stride(level_)) {
    values.push_back(values_[k].data());
  }
  integrals_ = integrate();

  std::vector<double> difference = integrals_, gross(tensors_, 0.0);
  for (size_t k = 0; k < values.size(); ++k) {
    for (size_t c = 0; c < tensors_; ++c) {
      gross[c] += std::abs(level.weights()[k] * values[k][c]);
      if (k % 2 == 0) difference[c] -= levels_.coarse_weights(level_)[k / 2] * values[k][c];
    }
  }
  double sum = 0, scale = 0, changed = 0, floor = 0;
  for (size_t c = 0; c < tensors_; ++c) {
    sum += integrals_[c];
    scale += std::abs(integrals_[c]);
    changed = std::max(changed, std::abs(difference[c]));
    floor = std::max(floor, options_.epsilon * gross[c]);
  }
  tolerance_ = options_.relative * (options_.relative_to_gross ? scale : std::abs(change)) +
               options_.absolute;
  residual_ = change - sum;
  converged_ = changed <= 16 * floor;
  const CoefficientDecay decay = level.decay(values, tensors_);
  ratio_ = decay.ratio;
  error_ = std::max(level.tail(decay), residual_estimate(residual_, difference, floor)) + floor;
}

LevelVerdict ClenshawCurtisSample::judge(double change) {
  estimate(change);
  if (!std::isfinite(residual_)) {  // no further node can mend a value that is not finite
    error_ = std::numeric_limits<double>::quiet_NaN();
    return LevelVerdict::missed;
  }
  const int n = levels_.level(level_).size();
  if (std::abs(residual_) <= tolerance_ && error_ <= tolerance_) return LevelVerdict::met;
  if (n >= 17 && converged_) return LevelVerdict::limited;
  if ((n == 17 && ratio_ > 0.6) || (n == 33 && ratio_ > 0.25)) return LevelVerdict::kinks;
  if (level_ + 1 == levels_.count()) return LevelVerdict::missed;
  ++level_;
  return LevelVerdict::refine;
}

}  // namespace explaind
