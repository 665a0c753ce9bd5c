// Collectives and the agreement on errors, on every number of ranks.

#include "comm/communicator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/alike.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

TEST(Communicator, OwnsADuplicateOfTheSameGroup) {
  const Communicator world(MPI_COMM_WORLD);
  int result = 0;
  MPI_Comm_compare(world.get(), MPI_COMM_WORLD, &result);
  EXPECT_EQ(result, MPI_CONGRUENT);
  EXPECT_EQ(Communicator::self().size(), 1);
  EXPECT_EQ(Communicator::self().rank(), 0);
}

TEST(Communicator, BroadcastsFromEveryRoot) {
  const Communicator world(MPI_COMM_WORLD);
  for (int root = 0; root < world.size(); ++root) {
    const std::string said = "from " + std::to_string(root) + std::string("\0 and on", 8);
    std::string value =
        world.rank() == root ? said : "something longer than what is to come: " + said;
    world.broadcast(value, root);
    EXPECT_EQ(value, said);
  }
  std::string empty = world.rank() == 0 ? "" : "not empty";
  world.broadcast(empty, 0);
  EXPECT_EQ(empty, "");
}

TEST(Communicator, GathersUnequalTextsInRankOrder) {
  const Communicator world(MPI_COMM_WORLD);
  const auto text = [](int rank) {
    return std::string(static_cast<size_t>(rank) * 3, 'x') + std::to_string(rank);
  };
  const auto all = world.all_gather(text(world.rank()));
  ASSERT_EQ(all.size(), static_cast<size_t>(world.size()));
  for (int rank = 0; rank < world.size(); ++rank)
    EXPECT_EQ(all[static_cast<size_t>(rank)], text(rank));
}

TEST(Communicator, GathersUnequalNumbersInRankOrder) {
  const Communicator world(MPI_COMM_WORLD);
  const auto numbers = [](int rank) {
    return std::vector<int64_t>(static_cast<size_t>(rank), rank);
  };
  const auto all = world.all_gather(numbers(world.rank()));
  ASSERT_EQ(all.size(), static_cast<size_t>(world.size()));
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_EQ(all[static_cast<size_t>(rank)], numbers(rank));
  }
}

TEST(Agree, PassesWhereNobodyThrows) {
  const Communicator world(MPI_COMM_WORLD);
  int done = 0;
  agree(world, [&] { ++done; });
  EXPECT_EQ(done, 1);
}

TEST(Agree, AllRanksThrowTheLowestFailingRanksError) {
  const Communicator world(MPI_COMM_WORLD);
  const int first = world.size() / 2;
  try {
    agree(world, [&] {
      if (world.rank() >= first) {
        throw UsageError("rank " + std::to_string(world.rank()), "went wrong", "Try again");
      }
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "rank " + std::to_string(first) + ": went wrong. Try again");
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
  }
}

std::string unlike(const Likeness& mine, const Communicator& world) {
  try {
    require_alike(world, mine);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Ranks, AreOfOneBuildAndOneKindOfProcessor) {
  const Communicator world(MPI_COMM_WORLD);
  const Likeness mine = own_likeness();
  EXPECT_FALSE(mine.build.empty());
  EXPECT_FALSE(mine.instructions.empty());
  EXPECT_EQ(unlike(mine, world), "");
  if (world.size() == 1) return;
  const bool last = world.rank() == world.size() - 1;
  Likeness other = mine;
  other.host = last ? "n2" : "n1";
  if (last) other.build = "0123456789";
  EXPECT_THAT(unlike(other, world), ::testing::HasSubstr("on n2 run two builds"));
  other.build = mine.build;
  if (last) other.instructions += ", ATEN_CPU_CAPABILITY=avx2";
  EXPECT_THAT(unlike(other, world), ::testing::HasSubstr("on n1 has none of that, rank " +
                                                         std::to_string(world.size() - 1) +
                                                         " on n2 has ATEN_CPU_CAPABILITY=avx2"));
}

}  // namespace
}  // namespace explaind
