// Every unit is handed out once, neighbours together, single units at the end.

#include "comm/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <sstream>
#include <thread>

#include "comm/communicator.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

struct Handed {
  std::vector<int> times;       ///< per unit, over all ranks
  std::vector<UnitRange> mine;  ///< of this rank, in order
};

/// Takes units until there are none; a unit of rank r takes r + 1 steps, so that ranks are unequal.
Handed take_all(const Communicator& world, Dispatcher& dispatcher, int64_t total) {
  Handed handed;
  std::string mine;
  for (UnitRange range = dispatcher.next(); !range.empty(); range = dispatcher.next()) {
    handed.mine.push_back(range);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      std::this_thread::sleep_for(std::chrono::microseconds(100 * (world.rank() + 1)));
      mine += std::to_string(unit) + " ";
      dispatcher.report(unit, "done by " + std::to_string(world.rank()));
    }
  }
  handed.times.assign(static_cast<size_t>(total), 0);
  for (const std::string& text : world.all_gather(mine)) {
    std::istringstream units(text);
    for (int64_t unit = 0; units >> unit;) ++handed.times.at(static_cast<size_t>(unit));
  }
  return handed;
}

class Dispatching : public ::testing::TestWithParam<int64_t> {};

TEST_P(Dispatching, HandsOutEveryUnitOnceAndHearsOfEach) {
  const Communicator world(MPI_COMM_WORLD);
  std::map<int64_t, int> heard;
  const StopFlag stop;
  Dispatcher dispatcher(world, GetParam(), stop,
                        [&](int64_t unit, int rank, const std::string& text) {
                          ++heard[unit];
                          EXPECT_EQ(text, "done by " + std::to_string(rank));
                        });
  const Handed handed = take_all(world, dispatcher, GetParam());
  dispatcher.finish();
  EXPECT_FALSE(dispatcher.stopped());
  for (const int times : handed.times) EXPECT_EQ(times, 1);
  if (world.rank() == 0) {
    EXPECT_EQ(heard.size(), static_cast<size_t>(GetParam()));
    for (const auto& [unit, times] : heard) EXPECT_EQ(times, 1) << unit;
  }
  EXPECT_TRUE(dispatcher.next().empty()) << "after the end there is nothing";
}

TEST_P(Dispatching, RunsAreLongFirstAndSingleAtTheEnd) {
  const Communicator world(MPI_COMM_WORLD);
  const StopFlag stop;
  Dispatcher dispatcher(world, GetParam(), stop, [](int64_t, int, const std::string&) {});
  const Handed handed = take_all(world, dispatcher, GetParam());
  dispatcher.finish();
  int64_t last_end = 0;
  for (const UnitRange& range : handed.mine) {
    EXPECT_GE(range.begin, last_end);  // ascending: a rank never goes back
    last_end = range.end;
    if (range.end == GetParam() && world.size() > 1) {
      EXPECT_EQ(range.end - range.begin, 1);
    }
  }
  if (GetParam() >= 100 && world.rank() == 0 && world.size() <= 2) {
    EXPECT_GT(handed.mine.front().end - handed.mine.front().begin, 1);
  }
}

// None, one, fewer than ranks, a prime number, many.
INSTANTIATE_TEST_SUITE_P(Units, Dispatching, ::testing::Values(0, 1, 2, 13, 100));

TEST(Dispatcher, AFailureOfARankAloneIsAnError) {
  const Communicator world(MPI_COMM_WORLD);
  if (world.size() > 1) GTEST_SKIP() << "of several ranks it ends the job (tests/mpi)";
  const StopFlag stop;
  Dispatcher dispatcher(world, 5, stop, [](int64_t, int, const std::string&) {});
  EXPECT_FALSE(dispatcher.next().empty());
  EXPECT_THAT([&] { dispatcher.fail(3, "no room"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("unit 3: no room")));
}

}  // namespace
}  // namespace explaind
