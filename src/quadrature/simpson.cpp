#include "quadrature/simpson.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "quadrature/options.hpp"

namespace explaind {

SimpsonBisection::SimpsonBisection(BisectionStart start, int cap, double epsilon)
    : change_(std::move(start.change)),
      tolerances_(std::move(start.tolerances)),
      evaluations_(start.spent),
      cap_(cap),
      epsilon_(epsilon) {
  values_.emplace(0.0, std::move(start.at_zero));
  values_.emplace(0.5, std::move(start.at_half));
  values_.emplace(1.0, std::move(start.at_one));
  panels_.push_back(panel(0.0, 1.0));
  advance();
}

SimpsonBisection::Panel SimpsonBisection::panel(double begin, double end) const {
  const std::vector<double>& left = values_.at(begin);
  const std::vector<double>& middle = values_.at((begin + end) / 2);
  const std::vector<double>& right = values_.at(end);
  const double width = end - begin;
  const size_t tensors = left.size() / change_.size();
  Panel made{.begin = begin,
             .end = end,
             .integral = {},
             .gross = {},
             .errors = std::vector<double>(change_.size(), 0.0)};
  for (size_t c = 0; c < left.size(); ++c) {
    const double simpson = width / 6 * (left[c] + 4 * middle[c] + right[c]);
    const double trapezoid = width / 2 * (left[c] + right[c]);
    made.integral.push_back(simpson);
    made.gross.push_back(width / 6 *
                         (std::abs(left[c]) + 4 * std::abs(middle[c]) + std::abs(right[c])));
    double& error = made.errors[c / tensors];
    error = std::max(error, std::abs(simpson - trapezoid) / 2);
  }
  return made;
}

double SimpsonBisection::badness(const Panel& panel, const std::vector<bool>& open) const {
  if (tolerances_.size() == 1) return panel.errors.front();
  double worst = 0;
  for (size_t o = 0; o < tolerances_.size(); ++o) {
    if (open[o]) worst = std::max(worst, panel.errors[o] / std::max(tolerances_[o], 1e-300));
  }
  return worst;
}

SimpsonBisection::Estimate SimpsonBisection::estimate(size_t output) const {
  const size_t tensors = panels_.front().integral.size() / change_.size();
  Estimate found;
  double sum = 0;
  for (size_t c = output * tensors; c < (output + 1) * tensors; ++c) {
    double gross = 0;
    for (const Panel& each : panels_) {
      sum += each.integral[c];
      gross += each.gross[c];
    }
    found.floor = std::max(found.floor, epsilon_ * gross);
    found.rounding += epsilon_ * gross;
  }
  for (const Panel& each : panels_) found.error += each.errors[output];
  found.residual = change_[output] - sum;
  return found;
}

void SimpsonBisection::advance() {
  const size_t outputs = change_.size();
  std::vector<bool> open(outputs);
  met_ = true;
  bool finite = true, settled = true;
  error_ = 0;
  for (size_t o = 0; o < outputs; ++o) {
    const Estimate found = estimate(o);
    const double residual = std::abs(found.residual), tolerance = tolerances_[o];
    open[o] = !(found.error <= tolerance && residual <= tolerance);
    met_ = met_ && !open[o];
    settled = settled && found.error <= std::max(tolerance, times_rounding * found.floor) &&
              residual <= std::max(tolerance, times_rounding * found.rounding);
    finite = finite && std::isfinite(found.residual);
    error_ = std::max(error_, found.error);
  }
  // No further node can mend a value that is not finite.
  if (!finite) error_ = std::numeric_limits<double>::quiet_NaN();
  limited_ = settled && !met_;
  done_ = met_ || limited_ || evaluations_ > cap_ || !finite;
  if (done_) return;
  const auto worst = std::max_element(
      panels_.begin(), panels_.end(),
      [&](const Panel& a, const Panel& b) { return badness(a, open) < badness(b, open); });
  split_ = std::move(*worst);
  panels_.erase(worst);
  const double middle = (split_.begin + split_.end) / 2;
  asked_ = {(split_.begin + middle) / 2, (middle + split_.end) / 2};
}

void SimpsonBisection::tell(std::vector<double> first, std::vector<double> second) {
  values_.emplace(asked_[0], std::move(first));
  values_.emplace(asked_[1], std::move(second));
  evaluations_ += 2;
  const double middle = (split_.begin + split_.end) / 2;
  panels_.push_back(panel(split_.begin, middle));
  panels_.push_back(panel(middle, split_.end));
  advance();
}

std::map<double, double> SimpsonBisection::weights() const {
  std::vector<const Panel*> ordered;
  for (const Panel& each : panels_) ordered.push_back(&each);
  std::sort(ordered.begin(), ordered.end(),
            [](const Panel* a, const Panel* b) { return a->begin < b->begin; });
  std::map<double, double> weights;
  for (const Panel* each : ordered) {
    const double width = each->end - each->begin;
    weights[each->begin] += width / 6;
    weights[(each->begin + each->end) / 2] += width * 2 / 3;
    weights[each->end] += width / 6;
  }
  return weights;
}

std::vector<double> SimpsonBisection::integrals() const {
  std::vector<double> sums(values_.begin()->second.size(), 0.0);
  for (const auto& [t, weight] : weights()) {
    const std::vector<double>& value = values_.at(t);
    for (size_t c = 0; c < sums.size(); ++c) sums[c] += weight * value[c];
  }
  return sums;
}

}  // namespace explaind
