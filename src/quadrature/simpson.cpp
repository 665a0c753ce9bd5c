#include "quadrature/simpson.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace explaind {

SimpsonBisection::SimpsonBisection(std::vector<double> at_zero, std::vector<double> at_half,
                                   std::vector<double> at_one, std::vector<double> change,
                                   std::vector<double> tolerances, int spent, int cap)
    : change_(std::move(change)),
      tolerances_(std::move(tolerances)),
      evaluations_(spent),
      cap_(cap) {
  values_.emplace(0.0, std::move(at_zero));
  values_.emplace(0.5, std::move(at_half));
  values_.emplace(1.0, std::move(at_one));
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
             .errors = std::vector<double>(change_.size(), 0.0)};
  for (size_t c = 0; c < left.size(); ++c) {
    const double simpson = width / 6 * (left[c] + 4 * middle[c] + right[c]);
    const double trapezoid = width / 2 * (left[c] + right[c]);
    made.integral.push_back(simpson);
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

void SimpsonBisection::advance() {
  const size_t outputs = change_.size(), tensors = panels_.front().integral.size() / outputs;
  std::vector<bool> open(outputs);
  met_ = true;
  bool finite = true;
  error_ = 0;
  for (size_t o = 0; o < outputs; ++o) {
    double total = 0, error = 0;
    for (const Panel& each : panels_) {
      for (size_t c = 0; c < tensors; ++c) total += each.integral[o * tensors + c];
      error += each.errors[o];
    }
    const double residual = change_[o] - total;
    open[o] = !(error <= tolerances_[o] && std::abs(residual) <= tolerances_[o]);
    met_ = met_ && !open[o];
    finite = finite && std::isfinite(residual);
    error_ = std::max(error_, error);
  }
  // No further node can mend a value that is not finite.
  if (!finite) error_ = std::numeric_limits<double>::quiet_NaN();
  done_ = met_ || evaluations_ > cap_ || !finite;
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
