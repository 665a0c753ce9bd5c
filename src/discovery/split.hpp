#pragma once
// Samples divided in two along a line among their principal axes, and how clear the gap is.

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/split_mix.hpp"

namespace explaind {

/// Principal axes that are looked at.
inline constexpr Eigen::Index most_axes = 5;

/// Scores along principal axes, samples × axes, the largest variance first; and what takes any
/// sample there: the axis of column q is Σ weight(i, q) (row i − mean row).
struct PrincipalAxes {
  Eigen::MatrixXd scores, weights;
};
/// gram: products of the samples' rows. Axes without variance are left out.
PrincipalAxes principal_axes(const Eigen::MatrixXd& gram);

/// How far apart two sides of a line of numbers are: the distance of their means over the sum of
/// their spreads (root mean squares), √3 for every cut of a uniform distribution and less for other
/// densities with one peak, times m / (m + 6) for the smaller side's m, since few are close to each
/// other by chance.
struct Separation {
  double value = 0;
  size_t smaller = 0;  ///< samples of the smaller side
  double cut = 0;      ///< between both sides
};
/// The best cut with at least `least` on both sides. Sorts its numbers.
Separation best_separation(std::vector<double>& numbers, size_t least);

struct Split {
  Separation separation;
  Eigen::VectorXd direction;  ///< among the axes, of length 1
  std::vector<bool> upper;    ///< per sample
};
/// The clearest of the best cuts along each axis, and along the line through the means of both
/// sides of that cut once 2-means has moved samples to the nearer one. scores: samples × axes.
/// Nothing where there are too few samples, or no axis.
std::optional<Split> best_split(const Eigen::MatrixXd& scores, size_t least);

/// The p-value of a split among samples that are no clusters: the larger of two, from as many
/// samples that are drawn uniformly (1) from the box along the principal axes that holds them all;
/// (2) from that box too, but along the axis nearest to the split at one value for all but the m of
/// its smaller side: the clearest split that a density with one peak makes at m. So neither strong,
/// nor heavy-tailed, nor sparse factors look like clusters.
double split_p_value(const Split& split, const Eigen::MatrixXd& scores, size_t least,
                     int64_t drawings, SplitMix64 random);

/// Hubert and Arabie 1985: how far two partitions agree beyond chance; 1 where they are the same.
double adjusted_rand(const std::vector<size_t>& a, const std::vector<size_t>& b);

}  // namespace explaind
