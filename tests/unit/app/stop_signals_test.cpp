// Each case is a process of its own: the flag is the process's.

#include "app/stop_signals.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace explaind {
namespace {

constexpr const char* words = "said once\n";

void expect_a_stop(int signal) {
  const StopFlag& flag = stop_on_signals(words);
  if (flag.raised()) std::_Exit(1);
  flag.require_down();
  std::raise(signal);
  if (!flag.raised()) std::_Exit(2);
  try {
    flag.require_down();
  } catch (const StopRequested& stop) {
    std::_Exit(static_cast<int>(stop.exit_code()));
  }
}

TEST(StopSignalsDeathTest, IsMadeByAnyOfThreeSignals) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    EXPECT_EXIT(expect_a_stop(signal), ::testing::ExitedWithCode(75), "^said once\n$") << signal;
  }
}

TEST(StopSignalsDeathTest, ASecondControlCEndsAtOnce) {
  const auto twice = [](int first, int second) {
    stop_on_signals(words);
    std::raise(first);
    std::raise(second);
    std::_Exit(0);
  };
  EXPECT_EXIT(twice(SIGINT, SIGINT), ::testing::KilledBySignal(SIGINT), "^said once\n$");
  EXPECT_EXIT(twice(SIGTERM, SIGINT), ::testing::KilledBySignal(SIGINT), "^said once\n$");
  // Slurm warns by USR1 and sends TERM at the limit: that is no hurry of a user's.
  EXPECT_EXIT(twice(SIGUSR1, SIGTERM), ::testing::ExitedWithCode(0), "^said once\n$");
}

}  // namespace
}  // namespace explaind
