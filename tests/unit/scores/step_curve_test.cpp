#include "scores/step_curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace explaind {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

TEST(StepCurve, RanksSegmentsAndAddsUpTheirShares) {
  const StepCurve curve = step_curve({0, 10, 30, 70, 100}, {1, 4, 0, 3});
  EXPECT_THAT(curve.from, ElementsAre(10, 70, 0, 30));
  EXPECT_THAT(curve.to, ElementsAre(30, 100, 10, 70));
  EXPECT_THAT(curve.change, ElementsAre(4.0, 3.0, 1.0, 0.0));
  EXPECT_THAT(curve.explained, Pointwise(DoubleNear(1e-15), {0.5, 0.875, 1.0, 1.0}));
}

TEST(StepCurve, OfEqualChangesTheEarlierComesFirst) {
  const StepCurve curve = step_curve({0, 1, 2, 3}, {2, 5, 2});
  EXPECT_THAT(curve.from, ElementsAre(1, 0, 2));
}

TEST(StepCurve, ExplainsNothingWhereNothingChanged) {
  EXPECT_THAT(step_curve({0, 1, 2}, {0, 0}).explained, ElementsAre(0.0, 0.0));
}

}  // namespace
}  // namespace explaind
