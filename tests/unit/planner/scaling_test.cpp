// Rows of a plan for many ranks: efficiencies that are known exactly, and what limits.

#include "planner/scaling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace explaind {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Equal units of a second.
ScalingShape shape_of(int64_t ranks, int64_t units) {
  ScalingShape shape{.ranks = ranks, .memory = 100, .units_alone = static_cast<double>(units)};
  shape.work.units.assign(static_cast<size_t>(units), {.seconds = 1});
  return shape;
}

constexpr MessageTimes without_messages{.answered = 0, .heard = 0, .look = 0, .reply = 0};

ScalingRow row_of(const ScalingShape& shape, SimulatedPlace place = {}) {
  place.messages = without_messages;
  return scaling_rows({shape}, place).front();
}

TEST(Doubling, GoesUpToAllRanks) {
  EXPECT_THAT(doubling(1, 1), ElementsAre(1));
  EXPECT_THAT(doubling(8, 1), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(doubling(12, 1), ElementsAre(1, 2, 4, 8, 12));
  EXPECT_THAT(doubling(12, 3), ElementsAre(3, 6, 12));
}

TEST(Scaling, ARankAloneAndEnoughUnitsLoseNothing) {
  for (const int64_t ranks : {1, 2, 4, 16}) {
    const ScalingRow row = row_of(shape_of(ranks, 256));
    EXPECT_EQ(row.seconds, 256.0 / static_cast<double>(ranks));
    EXPECT_EQ(row.efficiency, 1);
    EXPECT_THAT(row.limit, IsEmpty());
  }
}

TEST(Scaling, TooFewUnitsLimit) {
  const ScalingRow row = row_of(shape_of(16, 4));
  EXPECT_EQ(row.seconds, 1);
  EXPECT_EQ(row.efficiency, 0.25);
  EXPECT_EQ(row.limit, "units: 4 for 16 ranks");
}

TEST(Scaling, NodesAreFilledOneAfterAnother) {
  const ScalingRow row = row_of(shape_of(9, 90), {.ranks_of_node = 4});
  EXPECT_EQ(row.nodes, 3);
  EXPECT_EQ(row.memory_of_node, 400);
  EXPECT_EQ(row_of(shape_of(2, 90), {.ranks_of_node = 4}).memory_of_node, 200);
}

TEST(Scaling, MessagesLimitWhereUnitsAreShort) {
  ScalingShape shape = shape_of(512, 100'000);
  for (SimulatedUnit& unit : shape.work.units) unit.seconds = 1e-4;
  shape.units_alone = 10;
  const std::vector<ScalingRow> rows = scaling_rows({shape}, {});
  EXPECT_LT(rows.front().efficiency, 0.5);
  EXPECT_THAT(rows.front().limit, HasSubstr("dispatcher: "));
}

TEST(Scaling, ReadingLimitsWhereANodesRanksWaitForIt) {
  ScalingShape shape = shape_of(8, 64);
  for (int64_t unit = 0; unit < 64; ++unit) {
    shape.work.units[static_cast<size_t>(unit)].segment = unit;
    shape.work.points.push_back({unit, unit + 1});
  }
  shape.work.point_bytes = 1;
  const ScalingRow row = row_of(shape, {.read_rate = 1});
  EXPECT_GT(row.seconds, 65) << "65 points, a second each";
  EXPECT_THAT(row.limit, HasSubstr("reading"));
}

TEST(Scaling, GatheringLimitsOverASlowLink) {
  ScalingShape shape = shape_of(8, 64);
  shape.shards = 8;
  shape.units_alone = 8 * 64;
  shape.work.gathered = 7;
  const ScalingRow row = row_of(shape, {.ranks_of_node = 1, .network_rate = 7});
  EXPECT_EQ(row.seconds, 2 * 64);
  EXPECT_EQ(row.efficiency, 0.5);
  EXPECT_THAT(row.limit, HasSubstr("gathering"));
}

TEST(Scaling, AUnitThatCannotBeSharedLimits) {
  ScalingShape shape = shape_of(4, 64);
  shape.shards = 4;  // one micro-batch: the others have nothing to do
  const ScalingRow row = row_of(shape);
  EXPECT_EQ(row.efficiency, 0.25);
  EXPECT_EQ(row.limit, "micro-batches: a unit has too few for 4 ranks");
}

TEST(Scaling, WhatAllRanksDoBeforehandCounts) {
  ScalingShape shape = shape_of(4, 64);
  shape.before = 16;        // as long as the units
  shape.before_alone = 16;  // shared by none of them
  const ScalingRow row = row_of(shape);
  EXPECT_EQ(row.seconds, 32);
  EXPECT_EQ(row.efficiency, 80.0 / 128);
  EXPECT_THAT(row.limit, HasSubstr("forming"));
}

}  // namespace
}  // namespace explaind
