#include "training/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"

namespace explaind {
namespace {

TEST(Schedule, CosineWarmsUpThenFallsToItsMinimum) {
  const Schedule schedule{.peak = 2.0, .minimum_ratio = 0.1, .warmup = 4, .steps = 105};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(3), 2.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(4), 2.0);
  EXPECT_NEAR(schedule.learning_rate(54), 2.0 * 0.55, 1e-12);
  EXPECT_NEAR(schedule.learning_rate(104), 0.2, 1e-12);
}

TEST(Schedule, ConstantStaysAfterItsWarmUp) {
  const Schedule schedule{
      .shape = Schedule::Shape::constant, .peak = 3.0, .warmup = 2, .steps = 10};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 1.5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(1), 3.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(9), 3.0);
}

TEST(Schedule, TriangleGoesFromZeroToThePeakAndToZeroAfterTheRun) {
  // CIFAR-2: 12 epochs of 39 steps, the peak at epoch 5.
  const Schedule schedule{
      .shape = Schedule::Shape::triangle, .peak = 0.1, .warmup = 195, .steps = 468};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.0);
  EXPECT_NEAR(schedule.learning_rate(39), 0.02, 1e-15);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(195), 0.1);
  EXPECT_NEAR(schedule.learning_rate(331), 0.1 * 137 / 273, 1e-15);
  EXPECT_NEAR(schedule.learning_rate(467), 0.1 / 273, 1e-15);
}

TEST(Schedule, WsdIsStableThenFallsLinearlyToItsMinimum) {
  const Schedule schedule{.shape = Schedule::Shape::wsd,
                          .peak = 2.0,
                          .minimum_ratio = 0.5,
                          .warmup = 2,
                          .decay = 4,
                          .steps = 11};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 1.0);
  for (int64_t s = 1; s <= 6; ++s) EXPECT_DOUBLE_EQ(schedule.learning_rate(s), 2.0) << s;
  EXPECT_DOUBLE_EQ(schedule.learning_rate(7), 1.75);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(8), 1.5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(10), 1.0);
}

TEST(LogSpacedSteps, AreDistinctAndEndWithTheRun) {
  EXPECT_THAT(log_spaced_steps(4096, 13),
              ::testing::ElementsAre(0, 1, 2, 4, 9, 19, 41, 88, 190, 409, 882, 1901, 4096));
  EXPECT_THAT(log_spaced_steps(4, 5), ::testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(log_spaced_steps(100, 2), ::testing::ElementsAre(0, 100));
  EXPECT_THROW(log_spaced_steps(4, 6), UsageError);
  EXPECT_THROW(log_spaced_steps(4, 1), UsageError);
}

}  // namespace
}  // namespace explaind
