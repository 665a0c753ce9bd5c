#include "discovery/split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace explaind {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

TEST(Separation, OfAUniformLineIsRootThreeAtEveryCut) {
  for (const size_t least : {200U, 500U, 950U}) {
    std::vector<double> line(2000);
    std::iota(line.begin(), line.end(), 0.0);
    const Separation found = best_separation(line, least);
    const auto smaller = static_cast<double>(found.smaller);
    EXPECT_NEAR(found.value * (smaller + 6) / smaller, std::sqrt(3), 0.01);
  }
}

TEST(Separation, IsTheMeansDistanceOverTheSpreads) {
  std::vector<double> line{10, 0, 12, 1, 2, 11};
  const Separation found = best_separation(line, 2);
  EXPECT_EQ(found.smaller, 3U);
  EXPECT_DOUBLE_EQ(found.cut, 6);
  EXPECT_NEAR(found.value, 10 / (2 * std::sqrt(2.0 / 3)) * 3 / 9, 1e-12);
  std::vector<double> equal(10, 3.0);
  EXPECT_EQ(best_separation(equal, 2).value, 0);
}

/// Samples in three numbers: of the first five the first number is larger by `apart`.
MatrixXd two_clouds(double apart, uint64_t seed) {
  SplitMix64 random(seed);
  MatrixXd rows(16, 3);
  for (double& each : rows.reshaped()) each = random.uniform() + random.uniform();
  rows.col(0).head(5).array() += apart;
  return rows;
}

TEST(Split, FindsTheCloudsAndTheirAxis) {
  const MatrixXd rows = two_clouds(8, 3);
  const PrincipalAxes axes = principal_axes(rows * rows.transpose());
  ASSERT_EQ(axes.scores.cols(), 3);
  // Scores are the centred rows along the axes: they keep all distances.
  EXPECT_NEAR((axes.scores.row(0) - axes.scores.row(9)).norm(), (rows.row(0) - rows.row(9)).norm(),
              1e-9);
  const std::optional<Split> split = best_split(axes.scores, 5);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->separation.smaller, 5U);
  for (size_t i = 1; i < 16; ++i) EXPECT_EQ(split->upper[i] == split->upper[0], i < 5) << i;
  EXPECT_LE(split_p_value(*split, axes.scores, 5, 199, SplitMix64(1)), 0.03);
}

TEST(Split, IsNotClearInOneCloud) {
  const MatrixXd rows = two_clouds(0, 4);
  const PrincipalAxes axes = principal_axes(rows * rows.transpose());
  const std::optional<Split> split = best_split(axes.scores, 5);
  ASSERT_TRUE(split);
  EXPECT_GT(split_p_value(*split, axes.scores, 5, 199, SplitMix64(1)), 0.05);
}

TEST(Split, OfASparseFactorIsComparedWithOne) {
  // Eleven samples at one value and five spread from there on: one side has no spread at all. In a
  // uniform box such a split has a p of about .01.
  MatrixXd scores = MatrixXd::Zero(16, 1);
  scores.col(0).head(5) << 0.45, 0.6, 0.75, 0.9, 1;
  const std::optional<Split> split = best_split(scores, 5);
  ASSERT_TRUE(split);
  EXPECT_GT(split_p_value(*split, scores, 5, 999, SplitMix64(1)), 0.05);
}

TEST(Split, NeedsEnoughSamplesAndAnAxis) {
  EXPECT_FALSE(best_split(MatrixXd::Random(9, 2), 5));
  const PrincipalAxes none = principal_axes(MatrixXd::Ones(12, 12));
  EXPECT_EQ(none.scores.cols(), 0);
  EXPECT_FALSE(best_split(none.scores, 5));
}

TEST(AdjustedRand, IsOneOfTheSameAndAboutNoneOfOthers) {
  EXPECT_EQ(adjusted_rand({0, 0, 1, 1}, {5, 5, 2, 2}), 1);
  EXPECT_EQ(adjusted_rand({0, 0, 0}, {1, 1, 1}), 1);
  // sklearn.metrics.adjusted_rand_score has the same values.
  EXPECT_NEAR(adjusted_rand({0, 0, 1, 1}, {0, 0, 1, 2}), 4.0 / 7, 1e-12);
  EXPECT_NEAR(adjusted_rand({0, 0, 1, 1}, {0, 1, 0, 1}), -0.5, 1e-12);
}

}  // namespace
}  // namespace explaind
