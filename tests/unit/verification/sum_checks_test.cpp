// What rounding allows, and how failures are kept.

#include "verification/sum_checks.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "verification/compensated_sum.hpp"

namespace explaind {
namespace {

TEST(SumRounding, GrowsWithTermsStepsAndTheStoredType) {
  const SumRounding few{.terms = 10};
  EXPECT_GT(few.allowed(1, 8), 10 * std::numeric_limits<double>::epsilon());
  EXPECT_LT(few.allowed(1, 8), 1e-13);
  EXPECT_GT((SumRounding{.terms = 1000}).allowed(1, 8), few.allowed(1, 8));
  EXPECT_GT((SumRounding{.terms = 10, .steps = 100}).allowed(1, 8), few.allowed(1, 8));
  EXPECT_GT((SumRounding{.terms = 10, .steps = 1, .stored = 1e-7}).allowed(1, 8), 1e-7);
}

TEST(CompensatedSum, KeepsWhatAdditionsLose) {
  CompensatedSum sum;
  for (const double value : {1.0, 1e100, 1.0, -1e100}) sum.add(value);
  EXPECT_EQ(sum.value(), 2);
}

TEST(CompensatedSum, SaysThatSomethingIsNotFinite) {
  CompensatedSum sum;
  for (const double value : {1.0, std::numeric_limits<double>::infinity()}) sum.add(value);
  EXPECT_FALSE(std::isfinite(sum.value()));
}

TEST(Check, ListsTwentyFailuresAndCountsAll) {
  Check check{.name = "sums", .what = "", .of = "sum", .unit = "nat"};
  for (int i = 0; i < 30; ++i) {
    check.add(
        i, 4.5, [&] { return std::to_string(i); }, [] { return "off"; });
  }
  EXPECT_EQ(check.checked, 30);
  EXPECT_EQ(check.failed, 25);
  ASSERT_EQ(check.found.size(), 20U);
  EXPECT_EQ(check.found.front(), "5: off");
  EXPECT_EQ(check.largest, 29);
  EXPECT_EQ(check.largest_at, "29");
  EXPECT_EQ(check.verdict(), Verdict::fails);
}

TEST(Check, WhatIsNoNumberFails) {
  Check check{.name = "sums", .what = ""};
  check.add(
      std::numeric_limits<double>::quiet_NaN(), 1, [] { return "here"; }, [] { return ""; });
  EXPECT_EQ(check.verdict(), Verdict::fails);
  EXPECT_TRUE(std::isinf(check.largest));
}

TEST(Check, OfNothingIsNotChecked) {
  EXPECT_EQ((Check{.name = "sums", .what = ""}).verdict(), Verdict::not_checked);
}

}  // namespace
}  // namespace explaind
