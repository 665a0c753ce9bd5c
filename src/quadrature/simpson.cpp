#include "quadrature/simpson.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace explaind {

SimpsonBisection::SimpsonBisection(std::vector<double> at_zero, std::vector<double> at_half,
                                   std::vector<double> at_one, double change, double tolerance,
                                   int spent, int cap)
    : change_(change), tolerance_(tolerance), evaluations_(spent), cap_(cap) {
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
  Panel made{.begin = begin, .end = end, .integral = {}, .error = 0};
  for (size_t c = 0; c < left.size(); ++c) {
    const double simpson = width / 6 * (left[c] + 4 * middle[c] + right[c]);
    const double trapezoid = width / 2 * (left[c] + right[c]);
    made.integral.push_back(simpson);
    made.error = std::max(made.error, std::abs(simpson - trapezoid) / 2);
  }
  return made;
}

void SimpsonBisection::advance() {
  double total = 0;
  error_ = 0;
  for (const Panel& each : panels_) {
    for (const double integral : each.integral) total += integral;
    error_ += each.error;
  }
  const double residual = change_ - total;
  met_ = error_ <= tolerance_ && std::abs(residual) <= tolerance_;
  // No further node can mend a value that is not finite.
  if (!std::isfinite(residual)) error_ = std::numeric_limits<double>::quiet_NaN();
  done_ = met_ || evaluations_ > cap_ || !std::isfinite(residual);
  if (done_) return;
  const auto worst =
      std::max_element(panels_.begin(), panels_.end(),
                       [](const Panel& a, const Panel& b) { return a.error < b.error; });
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
