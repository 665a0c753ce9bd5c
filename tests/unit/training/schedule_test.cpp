#include "training/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"

namespace explaind {
namespace {

TEST(CosineSchedule, WarmsUpThenFallsToItsMinimum) {
  const CosineSchedule schedule{.peak = 2.0, .minimum_ratio = 0.1, .warmup = 4, .steps = 105};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(3), 2.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(4), 2.0);
  EXPECT_NEAR(schedule.learning_rate(54), 2.0 * 0.55, 1e-12);
  EXPECT_NEAR(schedule.learning_rate(104), 0.2, 1e-12);
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
