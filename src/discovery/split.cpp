#include "discovery/split.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <map>

#include "discovery/permutation.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

double spread(double sum, double squares, double n) {
  return std::sqrt(std::max(squares / n - (sum / n) * (sum / n), 0.0));
}

/// The best separation over axes of numbers that `fill` draws.
template <typename Fill>
double drawn_separation(size_t samples, Index axes, size_t least, SplitMix64& random, Fill fill) {
  double best = 0;
  std::vector<double> numbers(samples);
  for (Index q = 0; q < axes; ++q) {
    fill(numbers, random);
    best = std::max(best, best_separation(numbers, least).value);
  }
  return best;
}

double pairs(double n) { return n * (n - 1) / 2; }

}  // namespace

PrincipalAxes principal_axes(const MatrixXd& gram) {
  const Index n = gram.rows();
  MatrixXd centred = gram;
  centred.rowwise() -= centred.colwise().mean().eval();
  centred.colwise() -= centred.rowwise().mean().eval();
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(centred);
  const Eigen::VectorXd& values = solver.eigenvalues();  // ascending
  Index count = 0;
  while (count < std::min(most_axes, n - 1) &&
         values[n - 1 - count] > 1e-10 * std::max(values[n - 1], 1e-14 * gram.trace())) {
    ++count;
  }
  PrincipalAxes axes{.scores = MatrixXd(n, count), .weights = MatrixXd(n, count)};
  for (Index q = 0; q < count; ++q) {
    const double length = std::sqrt(values[n - 1 - q]);
    Eigen::VectorXd direction = solver.eigenvectors().col(n - 1 - q);
    // The sign of an axis is the solver's: that of its largest score is made positive.
    Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    if (direction[largest] < 0) direction = -direction;
    axes.scores.col(q) = direction * length;
    axes.weights.col(q) = direction / length;
  }
  return axes;
}

Separation best_separation(std::vector<double>& numbers, size_t least) {
  std::sort(numbers.begin(), numbers.end());
  const size_t n = numbers.size();
  double sum = 0, squares = 0, below = 0, below_squares = 0;
  // About the middle, so that squares keep their digits.
  const double middle = numbers[n / 2];
  for (double& each : numbers) {
    each -= middle;
    sum += each;
    squares += each * each;
  }
  Separation best;
  for (size_t i = 1; i + least <= n; ++i) {
    below += numbers[i - 1];
    below_squares += numbers[i - 1] * numbers[i - 1];
    if (i < least) continue;
    const auto a = static_cast<double>(i), b = static_cast<double>(n - i);
    const double apart = (sum - below) / b - below / a;
    const double spreads =
        spread(below, below_squares, a) + spread(sum - below, squares - below_squares, b);
    if (apart <= 0) continue;
    const double smaller = std::min(a, b);
    const double value = apart / std::max(spreads, 1e-9 * apart) * smaller / (smaller + 6);
    if (value > best.value) {
      best = {.value = value,
              .smaller = std::min(i, n - i),
              .cut = middle + (numbers[i - 1] + numbers[i]) / 2};
    }
  }
  return best;
}

std::optional<Split> best_split(const PrincipalAxes& axes, size_t least) {
  const auto n = static_cast<size_t>(axes.scores.rows());
  if (n < 2 * least || axes.scores.cols() == 0) return std::nullopt;
  Split best;
  for (Index q = 0; q < axes.scores.cols(); ++q) {
    std::vector<double> numbers(axes.scores.col(q).begin(), axes.scores.col(q).end());
    const Separation found = best_separation(numbers, least);
    if (found.value > best.separation.value) best.separation = found, best.axis = q;
  }
  if (best.separation.value <= 0) return std::nullopt;
  for (const double each : axes.scores.col(best.axis)) {
    best.upper.push_back(each > best.separation.cut);
  }
  return best;
}

double split_p_value(const Split& split, size_t samples, Index axes, size_t least, int64_t drawings,
                     SplitMix64 random) {
  const double observed = split.separation.value;
  const size_t smaller = split.separation.smaller;
  int64_t box = 0, spike = 0;
  for (int64_t k = 0; k < drawings; ++k) {
    const auto uniform = [](std::vector<double>& numbers, SplitMix64& each) {
      for (double& number : numbers) number = each.uniform();
    };
    const auto peak = [smaller](std::vector<double>& numbers, SplitMix64& each) {
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i < smaller ? each.uniform() : 0;
    };
    if (reaches(drawn_separation(samples, axes, least, random, uniform), observed)) ++box;
    if (reaches(drawn_separation(samples, axes, least, random, peak), observed)) ++spike;
  }
  return p_value(std::max(box, spike), drawings);
}

double adjusted_rand(const std::vector<size_t>& a, const std::vector<size_t>& b) {
  std::map<std::pair<size_t, size_t>, double> both;
  std::map<size_t, double> of_a, of_b;
  for (size_t i = 0; i < a.size(); ++i) {
    both[{a[i], b[i]}] += 1;
    of_a[a[i]] += 1;
    of_b[b[i]] += 1;
  }
  double together = 0, in_a = 0, in_b = 0;
  for (const auto& [key, n] : both) together += pairs(n);
  for (const auto& [key, n] : of_a) in_a += pairs(n);
  for (const auto& [key, n] : of_b) in_b += pairs(n);
  const double expected = in_a * in_b / std::max(pairs(static_cast<double>(a.size())), 1.0),
               most = (in_a + in_b) / 2;
  return most == expected ? 1 : (together - expected) / (most - expected);
}

}  // namespace explaind
