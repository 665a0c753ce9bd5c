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
using Eigen::VectorXd;

double spread(double sum, double squares, double n) {
  return std::sqrt(std::max(squares / n - (sum / n) * (sum / n), 0.0));
}

constexpr int most_moves = 20;  // of 2-means, which ends by itself after a few

/// The line through the means of both sides once every sample is on the side of the nearer one;
/// empty where one side is.
VectorXd line_of_means(const MatrixXd& scores, const VectorXd& along, double cut) {
  const Index n = scores.rows();
  Eigen::Array<bool, Eigen::Dynamic, 1> upper = along.array() > cut;
  VectorXd line;
  for (int move = 0; move < most_moves; ++move) {
    const VectorXd of_upper = upper.cast<double>(), of_lower = 1 - of_upper.array();
    const double a = of_upper.sum(), b = of_lower.sum();
    if (a == 0 || b == 0) return {};
    const VectorXd high = scores.transpose() * of_upper / a,
                   low = scores.transpose() * of_lower / b;
    line = high - low;
    const VectorXd place = scores * line;
    const Eigen::Array<bool, Eigen::Dynamic, 1> next =
        place.array() > VectorXd::Constant(n, line.dot(high + low) / 2).array();
    if ((next == upper).all()) break;
    upper = next;
  }
  return line.norm() > 0 ? VectorXd(line.normalized()) : VectorXd();
}

void take_better(const VectorXd& along, const VectorXd& direction, size_t least, Split& best) {
  std::vector<double> numbers(along.begin(), along.end());
  const Separation found = best_separation(numbers, least);
  if (found.value > best.separation.value) best = {found, direction, {}};
}

Split clearest(const MatrixXd& scores, size_t least) {
  Split best;
  for (Index q = 0; q < scores.cols(); ++q) {
    const VectorXd axis = VectorXd::Unit(scores.cols(), q);
    std::vector<double> numbers(scores.col(q).begin(), scores.col(q).end());
    const Separation first = best_separation(numbers, least);
    if (first.value > best.separation.value) best = {first, axis, {}};
    const VectorXd line = line_of_means(scores, scores.col(q), first.cut);
    if (line.size() > 0) take_better(scores * line, line, least, best);
  }
  return best;
}

/// Samples from a box; of axis `peak`, where there is one, all but the first `tail` lie at its end.
MatrixXd drawn_scores(Index samples, const VectorXd& box, Index peak, Index tail,
                      SplitMix64& random) {
  MatrixXd scores(samples, box.size());
  for (Index q = 0; q < box.size(); ++q) {
    for (Index i = 0; i < samples; ++i) {
      scores(i, q) = q == peak && i >= tail ? 0 : box[q] * random.uniform();
    }
  }
  return scores;
}

double pairs(double n) { return n * (n - 1) / 2; }

}  // namespace

PrincipalAxes principal_axes(const MatrixXd& gram) {
  const Index n = gram.rows();
  MatrixXd centred = gram;
  centred.rowwise() -= centred.colwise().mean().eval();
  centred.colwise() -= centred.rowwise().mean().eval();
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(centred);
  const VectorXd& values = solver.eigenvalues();  // ascending
  Index count = 0;
  while (count < std::min(most_axes, n - 1) &&
         values[n - 1 - count] > 1e-10 * std::max(values[n - 1], 1e-14 * gram.trace())) {
    ++count;
  }
  PrincipalAxes axes{.scores = MatrixXd(n, count), .weights = MatrixXd(n, count)};
  for (Index q = 0; q < count; ++q) {
    const double length = std::sqrt(values[n - 1 - q]);
    VectorXd direction = solver.eigenvectors().col(n - 1 - q);
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

std::optional<Split> best_split(const MatrixXd& scores, size_t least) {
  const auto n = static_cast<size_t>(scores.rows());
  if (n < 2 * least || scores.cols() == 0) return std::nullopt;
  Split best = clearest(scores, least);
  if (best.separation.value <= 0) return std::nullopt;
  const VectorXd along = scores * best.direction;
  for (const double each : along) best.upper.push_back(each > best.separation.cut);
  return best;
}

double split_p_value(const Split& split, const MatrixXd& scores, size_t least, int64_t drawings,
                     SplitMix64 random) {
  const VectorXd box = scores.colwise().maxCoeff() - scores.colwise().minCoeff();
  const auto tail = static_cast<Index>(split.separation.smaller);
  Index nearest = 0;
  split.direction.cwiseProduct(box).cwiseAbs().maxCoeff(&nearest);
  int64_t uniform = 0, peak = 0;
  const auto reached = [&](Index axis) {
    const MatrixXd drawn = drawn_scores(scores.rows(), box, axis, tail, random);
    return reaches(clearest(drawn, least).separation.value, split.separation.value);
  };
  for (int64_t k = 0; k < drawings; ++k) {
    if (reached(-1)) ++uniform;
    if (reached(nearest)) ++peak;
  }
  return p_value(std::max(uniform, peak), drawings);
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
