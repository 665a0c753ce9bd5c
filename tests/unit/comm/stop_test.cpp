// A stop that is asked for by a signal. It stays asked for, so this is a program of its own.

#include <gtest/gtest.h>

#include <csignal>

#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"

namespace explaind {
namespace {

TEST(DispatchingStops, OnASignalAndSaysSoOnEveryRank) {
  const Communicator world(MPI_COMM_WORLD);
  stop_on_signals();
  Dispatcher dispatcher(world, 1000000, [](int64_t, int, const std::string&) {});
  int64_t done = 0;
  for (UnitRange range = dispatcher.next(); !range.empty(); range = dispatcher.next()) {
    ++done;
    if (world.rank() == 0 && done == 3) std::raise(SIGUSR1);
    ASSERT_LT(done, 100000) << "the stop was not heard";
  }
  dispatcher.finish();
  EXPECT_TRUE(dispatcher.stopped());
}

}  // namespace
}  // namespace explaind
