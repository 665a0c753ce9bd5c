// Segment groups × shards, and the collectives that groups use.

#include "comm/process_grid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

#include "comm/dispatcher.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(int shards, int groups) {
  const Communicator world(MPI_COMM_WORLD);
  try {
    const ProcessGrid grid(world, shards, groups);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ProcessGrid, ConsecutiveRanksShareAGroup) {
  const Communicator world(MPI_COMM_WORLD);
  for (int shards = 1; shards <= world.size(); ++shards) {
    if (world.size() % shards != 0) continue;
    const ProcessGrid grid(world, shards, world.size() / shards);
    EXPECT_EQ(grid.shards(), shards);
    EXPECT_EQ(grid.segment_groups(), world.size() / shards);
    EXPECT_EQ(grid.segment_group().rank(), world.rank() % shards);
    EXPECT_EQ(grid.leads(), world.rank() % shards == 0);
    // The group's ranks are neighbours: the least world rank in it is the first of its run.
    EXPECT_EQ(grid.segment_group().minimum(world.rank()), world.rank() / shards * shards);
  }
}

TEST(ProcessGrid, ImpossibleShapesAreNamed) {
  const Communicator world(MPI_COMM_WORLD);
  const int ranks = world.size();
  EXPECT_THAT(refusal(ranks + 1, 0),
              AllOf(HasSubstr("--shards"), HasSubstr(std::to_string(ranks))));
  EXPECT_THAT(refusal(ranks, 2), HasSubstr("--segment-groups"));
  EXPECT_EQ(refusal(ranks, 1), "accepted");
}

TEST(Communicator, TheLargestOfAllRanks) {
  const Communicator world(MPI_COMM_WORLD);
  EXPECT_EQ(world.maximum(-1.5 - world.rank()), -1.5);
  EXPECT_EQ(world.maximum(world.rank() + 0.25), world.size() - 0.75);
}

TEST(Communicator, BroadcastFromEveryRank) {
  const Communicator world(MPI_COMM_WORLD);
  for (int root = 0; root < world.size(); ++root) {
    std::array<double, 3> values{};
    if (world.rank() == root) values = {1.5, root + 0.25, -3};
    world.broadcast(std::span<double>(values), root);
    EXPECT_EQ(values, (std::array<double, 3>{1.5, root + 0.25, -3}));
  }
}

TEST(Dispatching, OnlyClientsAreServed) {
  const Communicator world(MPI_COMM_WORLD);
  constexpr int64_t total = 23;
  std::map<int64_t, int> heard;
  const bool client = world.rank() % 2 == 0;
  const StopFlag stop;
  Dispatcher dispatcher(
      world, total, stop, [&](int64_t unit, int, const std::string&) { ++heard[unit]; }, client);
  int64_t taken = 0;
  for (UnitRange range = dispatcher.next(); !range.empty(); range = dispatcher.next()) {
    for (int64_t unit = range.begin; unit < range.end; ++unit, ++taken) dispatcher.report(unit, "");
  }
  if (!client) {
    EXPECT_EQ(taken, 0);
  }
  dispatcher.finish();
  EXPECT_FALSE(dispatcher.stopped());
  if (world.rank() == 0) {
    EXPECT_EQ(heard.size(), static_cast<size_t>(total));
  }
}

}  // namespace
}  // namespace explaind
