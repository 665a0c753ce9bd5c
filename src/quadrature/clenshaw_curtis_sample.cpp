#include "quadrature/clenshaw_curtis_sample.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.hpp"

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

ClenshawCurtisLevels::ClenshawCurtisLevels(int max_nodes) {
  for (int n = 9; n <= std::min(max_nodes, 129); n = 2 * n - 1) levels_.emplace_back(n);
  if (levels_.empty() || levels_.back().size() != max_nodes) {
    throw UsageError("--max-nodes", std::to_string(max_nodes) + " is not a level of the rule",
                     "Use 9, 17, 33, 65 or 129");
  }
  for (size_t l = 0; l < levels_.size(); ++l) {
    const auto n = static_cast<size_t>(levels_[l].size());
    coarse_.push_back(ChebyshevLevel(static_cast<int>(n + 1) / 2).weights());
    std::vector<size_t> indices;
    for (size_t k = l == 0 ? 0 : 1; k < n; k += l == 0 ? 1 : 2) indices.push_back(k);
    new_nodes_.push_back(std::move(indices));
  }
}

ClenshawCurtisSample::ClenshawCurtisSample(const ClenshawCurtisLevels& levels,
                                           const QuadratureOptions& options, size_t tensors)
    : levels_(levels), options_(options), tensors_(tensors) {
  values_.resize(static_cast<size_t>(levels.level(levels.count() - 1).size()));
}

const double* ClenshawCurtisSample::value(size_t level, size_t index) const {
  return values_[index << (levels_.count() - 1 - level)].data();
}

void ClenshawCurtisSample::set_value(size_t index, const double* values) {
  values_[index << (levels_.count() - 1 - level_)].assign(values, values + tensors_);
  ++evaluations_;
}

std::vector<double> ClenshawCurtisSample::shared_value(double t) const {
  return values_[static_cast<size_t>(t * static_cast<double>(values_.size() - 1))];
}

std::vector<double> ClenshawCurtisSample::integrate() const {
  std::vector<double> total(tensors_, 0.0), round(tensors_);
  for (size_t l = 0; l <= level_; ++l) {
    std::fill(round.begin(), round.end(), 0.0);
    for (const size_t index : levels_.new_nodes(l)) {
      const double weight = levels_.weight(level_, l, index);
      const double* node = value(l, index);
      for (size_t c = 0; c < tensors_; ++c) round[c] += weight * node[c];
    }
    for (size_t c = 0; c < tensors_; ++c) total[c] += round[c];
  }
  return total;
}

LevelVerdict ClenshawCurtisSample::judge(double change) {
  const ChebyshevLevel& level = levels_.level(level_);
  const auto n = static_cast<size_t>(level.size());
  std::vector<const double*> values;
  for (size_t k = 0; k < n; ++k) values.push_back(value(level_, k));
  fine_ = integrate();

  std::vector<double> difference = fine_, gross(tensors_, 0.0);
  for (size_t k = 0; k < n; ++k) {
    for (size_t c = 0; c < tensors_; ++c) {
      gross[c] += std::abs(level.weights()[k] * values[k][c]);
      if (k % 2 == 0) difference[c] -= levels_.coarse_weights(level_)[k / 2] * values[k][c];
    }
  }
  double sum = 0, scale = 0, changed = 0, floor = 0;
  for (size_t c = 0; c < tensors_; ++c) {
    sum += fine_[c];
    scale += std::abs(fine_[c]);
    changed = std::max(changed, std::abs(difference[c]));
    floor = std::max(floor, options_.epsilon * gross[c]);
  }
  tolerance_ = options_.relative * (options_.relative_to_gross ? scale : std::abs(change)) +
               options_.absolute;
  const double residual = change - sum;
  const CoefficientDecay decay = level.decay(values, tensors_);
  error_ = std::max(level.tail(decay), residual_estimate(residual, difference, floor)) + floor;

  if (std::abs(residual) <= tolerance_ && error_ <= tolerance_) return LevelVerdict::met;
  if (n >= 17 && changed <= 16 * floor) return LevelVerdict::limited;
  if ((n == 17 && decay.ratio > 0.6) || (n == 33 && decay.ratio > 0.25)) return LevelVerdict::kinks;
  if (level_ + 1 == levels_.count()) return LevelVerdict::missed;
  ++level_;
  return LevelVerdict::refine;
}

}  // namespace explaind
