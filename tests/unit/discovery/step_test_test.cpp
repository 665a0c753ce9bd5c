#include "discovery/step_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace explaind {
namespace {

using Eigen::Index;

/// Small numbers that no line and no step explains.
Series noise(Index times, Index numbers, double size) {
  SplitMix64 random(5);
  Series series(times, numbers);
  for (Index t = 0; t < times; ++t) {
    for (Index k = 0; k < numbers; ++k) series(t, k) = size * (random.uniform() - 0.5);
  }
  return series;
}

TEST(StepTest, FindsTheCutBesideADrift) {
  Series series = noise(20, 2, 0.01);
  for (Index t = 0; t < 20; ++t) {
    series(t, 0) += 0.05 * static_cast<double>(t) + (t >= 7 ? 1 : 0);
    series(t, 1) -= t >= 7 ? 0.5 : 0;
  }
  const StepFit fit = best_step(series, 3);
  EXPECT_EQ(fit.cut, 7);
  EXPECT_GT(fit.statistic, 1000);
  EXPECT_LE(step_p_value(series, 3, 999, SplitMix64(1)), 0.002);
  EXPECT_FALSE(drift_explains(series, fit));
}

TEST(StepTest, ExplainsAStepWithoutNoiseWhole) {
  Series series = Series::Zero(10, 1);
  series.bottomRows(5).setOnes();
  const StepFit fit = best_step(series, 3);
  EXPECT_EQ(fit.cut, 5);
  EXPECT_NEAR(fit.residual, 0, 1e-12);
  // The step's square beside the line through it: Σ 1/4 less the line's share of it.
  double line = 0, both = 0;
  for (int t = 0; t < 10; ++t) {
    line += (t - 4.5) * (t - 4.5);
    both += (t - 4.5) * (t >= 5 ? 0.5 : -0.5);
  }
  EXPECT_NEAR(fit.explained, 10 * 0.25 - both * both / line, 1e-12);
}

TEST(StepTest, TakesNeitherADriftNorAConstantForAStep) {
  Series line(16, 2);
  for (Index t = 0; t < 16; ++t) line.row(t) << 0.3 * static_cast<double>(t), 2;
  EXPECT_EQ(best_step(line, 3).statistic, 0);
  EXPECT_EQ(step_p_value(line, 3, 99, SplitMix64(1)), 1);
  EXPECT_EQ(step_p_value(Series::Zero(16, 2), 3, 99, SplitMix64(1)), 1);
  // A bend is no step, though a step is better than nothing.
  Series bend(24, 1);
  for (Index t = 0; t < 24; ++t) bend(t, 0) = std::pow(static_cast<double>(t) / 24, 3);
  EXPECT_TRUE(drift_explains(bend, best_step(bend, 3)));
}

TEST(StepTest, SlowFluctuationsCountLessThanFastOnes) {
  // The same numbers, once in runs of six and once with the runs' members apart.
  Series slow(36, 1), fast(36, 1);
  for (Index t = 0; t < 36; ++t) {
    slow(t, 0) = (t / 6) % 2 == 0 ? 1 : -1;
    fast(t, 0) = t % 2 == 0 ? 1 : -1;
  }
  for (Index t = 18; t < 36; ++t) slow(t, 0) += 3, fast(t, 0) += 3;
  EXPECT_LE(step_p_value(fast, 3, 999, SplitMix64(1)), 0.005);
  EXPECT_GT(step_p_value(slow, 3, 999, SplitMix64(1)), 0.05);
}

TEST(StepTest, CompressedSeriesHaveTheSameStatistic) {
  const Series wide = noise(12, 50, 1);
  const Series narrow = compressed(wide);
  EXPECT_EQ(narrow.cols(), 12);
  EXPECT_NEAR(best_step(narrow, 3).statistic, best_step(wide, 3).statistic, 1e-9);
}

TEST(StepTest, GivesEveryPOfNoiseItsShare) {
  // Of 200 series of noise about a tenth have p of at most .1: 9 to 34 with a chance of .9995.
  int at_most = 0;
  SplitMix64 random(3);
  for (int i = 0; i < 200; ++i) {
    Series series(14, 3);
    for (double& each : series.reshaped()) each = random.uniform() + random.uniform();
    at_most += step_p_value(series, 3, 99, SplitMix64(random.next())) <= 0.1 ? 1 : 0;
  }
  EXPECT_THAT(at_most, ::testing::AllOf(::testing::Ge(9), ::testing::Le(34)));
}

}  // namespace
}  // namespace explaind
