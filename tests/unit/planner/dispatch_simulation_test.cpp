// Simulated runs against sums by hand.

#include "planner/dispatch_simulation.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace explaind {
namespace {

constexpr MessageTimes free_of_charge{.answered = 0, .heard = 0, .look = 0, .reply = 0};

SimulatedWork units_of(const std::vector<double>& seconds) {
  SimulatedWork work;
  for (const double each : seconds) work.units.push_back({.seconds = each});
  return work;
}

/// Of groups of one rank, on one node, where nothing but the units takes time.
SimulatedRun of_groups(int64_t groups, const std::vector<double>& seconds) {
  return simulate_dispatch(units_of(seconds), {.groups = groups, .messages = free_of_charge});
}

TEST(DispatchSimulation, OneRankTakesTheSumOfItsUnits) {
  const SimulatedRun run = simulate_dispatch(units_of({1.5, 0.25, 4}), {.groups = 1});
  EXPECT_EQ(run.seconds, 5.75) << "rank 0 asks itself: messages cost it nothing";
  EXPECT_EQ(run.computing, 5.75);
  EXPECT_EQ(run.idle, 0);
  EXPECT_EQ(run.asking, 0);
}

TEST(DispatchSimulation, EnoughEqualUnitsKeepAllRanksBusy) {
  const SimulatedRun run = of_groups(4, std::vector<double>(64, 1.0));
  EXPECT_EQ(run.seconds, 16);
  EXPECT_EQ(run.idle, 0);
}

TEST(DispatchSimulation, WithoutUnitsAllAreDismissed) {
  const SimulatedRun run = of_groups(3, {});
  EXPECT_EQ(run.seconds, 0);
  EXPECT_EQ(run.requests, 3);
}

TEST(DispatchSimulation, MoreRanksThanUnitsWaitForTheLongest) {
  const SimulatedRun run = of_groups(8, {1, 5, 2});
  EXPECT_EQ(run.seconds, 5);
  EXPECT_EQ(run.idle, 8 * 5 - 8);
}

TEST(DispatchSimulation, ALongLastUnitKeepsOneRank) {
  // Rank 0: 1, then 4; rank 1: 2, and nothing more.
  const SimulatedRun run = of_groups(2, {1, 2, 4});
  EXPECT_EQ(run.seconds, 5);
  EXPECT_EQ(run.idle, 3);
}

TEST(DispatchSimulation, TheFirstRangeIsHalfOfAnEvenShare) {
  // Of 8 units rank 0 gets 2, of the other 6 rank 1 gets 1; then single ones, each to who is free.
  // Rank 0: 10 + 10. Rank 1: the six others, of 1 s.
  const SimulatedRun run = of_groups(2, {10, 10, 1, 1, 1, 1, 1, 1});
  EXPECT_EQ(run.seconds, 20);
  EXPECT_EQ(run.idle, 14);
  // Rank 1 asks for each of its six and once more, rank 0 for its range, whether to stop between
  // its units, and once more.
  EXPECT_EQ(run.requests, 10);
}

TEST(DispatchSimulation, MessagesTakeTurnsAtRankZero) {
  // Three ranks with a unit each. Ranks 1 and 2 ask at 0: the thread looks after 1, answers after 2
  // and 4, and a client looks after 0.5 for it. Rank 1 begins at 3.5, rank 2 at 5.5.
  const SimulatedPlace place{.groups = 3,
                             .messages = {.answered = 2, .heard = 0.25, .look = 1, .reply = 0.5}};
  const SimulatedRun run = simulate_dispatch(units_of({100, 100, 100}), place);
  // Rank 1 reports at 103.5 and asks again: looked at after 1, heard .25, answered 2, noticed .5.
  // Rank 2 reports at 105.5, while that is answered, until 106.75: heard at 107, answered at 109.
  EXPECT_DOUBLE_EQ(run.seconds, 109.5);
  EXPECT_DOUBLE_EQ(run.asking, 3.5 + 5.5 + 3.75 + 4);
  EXPECT_DOUBLE_EQ(run.most_asking, 5.5 + 4);
  EXPECT_DOUBLE_EQ(run.idle, (109.5 - 100) + (109.5 - 107.25));
}

TEST(DispatchSimulation, BetweenUnitsOfARangeRanksAskWhetherToStopOnceASecond) {
  const SimulatedPlace place{.groups = 2,
                             .messages = {.answered = 0, .heard = 0, .look = 0, .reply = 0.125}};
  // Of 12 units rank 0 gets 3 and rank 1 gets 2, then each single ones. Rank 1 asks at first, after
  // the first of its two where that was a second ago, before each single one, and in the end.
  SimulatedWork work = units_of(std::vector<double>(12, 1.0));
  EXPECT_EQ(simulate_dispatch(work, place).asking, 7 * 0.125) << "singles: 5, 7, 9, 11";
  for (SimulatedUnit& unit : work.units) unit.seconds = 0.25;
  EXPECT_EQ(simulate_dispatch(work, place).asking, 5 * 0.125) << "singles: 5, 8, 10";
}

class Reading : public ::testing::Test {
 protected:
  /// Two segments, 0 → 1 → 2, of two units each; a point of 10 bytes takes a second.
  Reading() {
    for (const int64_t segment : {0, 0, 1, 1}) {
      work.units.push_back({.seconds = 1, .segment = segment});
    }
    work.points = {{0, 1}, {1, 2}};
    work.point_bytes = 10;
  }
  SimulatedWork work;
  SimulatedPlace place{.groups = 1, .read_rate = 10, .messages = free_of_charge};
};

TEST_F(Reading, ARankReadsEveryPointOnce) {
  const SimulatedRun run = simulate_dispatch(work, place);
  EXPECT_EQ(run.bytes_read, 30);
  EXPECT_EQ(run.reading, 3);
  EXPECT_EQ(run.seconds, 7);
}

TEST_F(Reading, RanksOfANodeShareWhatIsRead) {
  place.groups = 4;  // units 0, 1, 2, 3
  const SimulatedRun run = simulate_dispatch(work, place);
  EXPECT_EQ(run.bytes_read, 30);
  EXPECT_EQ(run.reading, 2 + 2 + 3 + 3) << "the third point comes after the others";
  EXPECT_EQ(run.seconds, 4);
  EXPECT_EQ(run.bytes_between, 0);
}

TEST_F(Reading, NodesReadForThemselves) {
  place.groups = 4;
  place.ranks_of_node = 2;  // segment 0 on the first node, segment 1 on the second
  const SimulatedRun run = simulate_dispatch(work, place);
  EXPECT_EQ(run.bytes_read, 40) << "the middle point by both";
  EXPECT_EQ(run.seconds, 3);
  EXPECT_EQ(run.reading, 8);
  // Of ranks 2 and 3: two requests, two answers, one report each.
  EXPECT_EQ(run.bytes_between, 2 * 5 * 64);
}

TEST_F(Reading, AGroupOverTwoNodesReadsAShareOnEach) {
  place.shards = 4;
  place.ranks_of_node = 2;
  const SimulatedRun run = simulate_dispatch(work, place);
  EXPECT_EQ(run.bytes_read, 30);
  EXPECT_EQ(run.reading, 1.5) << "both halves of a point at once";
}

TEST(Gathering, GoesThroughMemoryAndOverTheLinkThatANodesRanksShare) {
  SimulatedWork work = units_of({1, 1});
  work.gathered = 30;  // of a rank, a third from each of three others
  const SimulatedPlace near{.shards = 4, .gather_second = 0.1, .messages = free_of_charge};
  const SimulatedRun one_node = simulate_dispatch(work, near);
  EXPECT_DOUBLE_EQ(one_node.gathering, 2 * 3.0);
  EXPECT_EQ(one_node.bytes_between, 0);
  SimulatedPlace far = near;
  far.ranks_of_node = 2;
  far.network_rate = 8;
  const SimulatedRun two_nodes = simulate_dispatch(work, far);
  EXPECT_DOUBLE_EQ(two_nodes.gathering, 2 * (10 * 0.1 + 2 * 20 / 8.0));
  EXPECT_DOUBLE_EQ(two_nodes.bytes_between, 2 * 4 * 20);
}

}  // namespace
}  // namespace explaind
