#include "training/batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace explaind {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> epoch_of(BatchPlan& plan, int64_t epoch) {
  std::vector<int64_t> all;
  for (int64_t s = 0; s < plan.steps_per_epoch(); ++s) {
    const auto& samples = plan.samples(epoch * plan.steps_per_epoch() + s);
    all.insert(all.end(), samples.begin(), samples.end());
  }
  return all;
}

TEST(BatchPlan, AnEpochHasEverySampleOnceAndARaggedEnd) {
  BatchPlan plan(10, 4, true, false, 3);
  ASSERT_EQ(plan.steps_per_epoch(), 3);
  EXPECT_EQ(plan.samples(1).size(), 4U);
  EXPECT_EQ(plan.samples(2).size(), 2U);
  const std::vector<int64_t> first = epoch_of(plan, 0), second = epoch_of(plan, 1);
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 10U);
  EXPECT_EQ(std::set<int64_t>(second.begin(), second.end()).size(), 10U);
  EXPECT_NE(first, second);
}

TEST(BatchPlan, WhatAStepGetsDoesNotDependOnWhatWasAskedBefore) {
  BatchPlan plan(10, 4, true, false, 3), again(10, 4, true, false, 3), other(10, 4, true, false, 4);
  epoch_of(plan, 0);
  EXPECT_EQ(plan.samples(7), again.samples(7));
  EXPECT_EQ(plan.flips(7), again.flips(7));
  EXPECT_NE(epoch_of(plan, 0), epoch_of(other, 0));
}

TEST(BatchPlan, DropsTheRaggedEndAndTakesWholeBatches) {
  BatchPlan dropped(10, 4, false, true, 3);
  EXPECT_EQ(dropped.steps_per_epoch(), 2);
  EXPECT_THAT(dropped.samples(1), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(dropped.samples(2), ElementsAre(0, 1, 2, 3));
  BatchPlan full(3, 100, false, false, 3);
  EXPECT_EQ(full.steps_per_epoch(), 1);
  EXPECT_THAT(full.samples(5), ElementsAre(0, 1, 2));
}

TEST(BatchPlan, FlipsAreEvenAndDifferFromStepToStep) {
  BatchPlan plan(1000, 1000, true, false, 3);
  const std::vector<uint8_t> flips = plan.flips(0);
  int64_t mirrored = 0;
  for (const uint8_t flip : flips) mirrored += flip;
  EXPECT_GT(mirrored, 400);
  EXPECT_LT(mirrored, 600);
  EXPECT_NE(flips, plan.flips(1));
}

}  // namespace
}  // namespace explaind
