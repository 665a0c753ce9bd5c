// A stop that one rank is asked for.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"
#include "core/stop_flag.hpp"

namespace explaind {
namespace {

/// mpirun tells all ranks, Slurm's USR1 remote ones alone, so the last rank must do for all. The
/// ranges are far longer than what may be done before a stop is heard.
TEST(DispatchingStops, InsideARangeOnEveryRankWhicheverIsTold) {
  const Communicator world(MPI_COMM_WORLD);
  constexpr int64_t total = 1000000;
  StopFlag stop;
  Dispatcher dispatcher(world, total, stop, [](int64_t, int, const std::string&) {});
  int64_t done = 0;
  for (UnitRange range = dispatcher.next(); !range.empty(); range = dispatcher.next()) {
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      if (unit > range.begin && dispatcher.stops()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++done;
      if (world.rank() == world.size() - 1 && done == 3) stop.raise();
    }
  }
  dispatcher.finish();
  EXPECT_TRUE(dispatcher.stopped());
  EXPECT_GE(done, world.rank() == world.size() - 1 ? 3 : 1) << "the unit in work is finished";
  EXPECT_LT(done, total / (2 * world.size())) << "the first range was gone through to its end";
}

}  // namespace
}  // namespace explaind
