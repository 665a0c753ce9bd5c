#include "core/stop_flag.hpp"

#include <gtest/gtest.h>

namespace explaind {
namespace {

TEST(StopFlag, IsUpUntilItIsLowered) {
  StopFlag flag;
  EXPECT_FALSE(flag.raised());
  flag.require_down();
  EXPECT_FALSE(flag.raise_once());
  EXPECT_TRUE(flag.raise_once()) << "it was up already";
  EXPECT_THROW(flag.require_down(), StopRequested);
  flag.lower();
  flag.require_down();
  flag.raise();
  EXPECT_TRUE(flag.raised());
}

TEST(StopFlag, IsNoFailure) {
  StopFlag flag;
  flag.raise();
  try {
    flag.require_down();
    FAIL();
  } catch (const StopRequested& stop) {
    EXPECT_EQ(stop.exit_code(), ExitCode::stopped);
  }
}

}  // namespace
}  // namespace explaind
