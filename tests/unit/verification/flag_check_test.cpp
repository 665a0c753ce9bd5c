// Which flag a pair's certificate asks for.

#include "verification/flag_check.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace explaind {
namespace {

constexpr QuadratureOptions rule{.relative = 1e-3, .absolute = 1e-6};  // of 1 nat: 1.001e-3

PairCertificate pair_of(double residual, double error) {
  return {.change = {1.0}, .residual = {residual}, .gross = {}, .error = error, .nodes = 9};
}

TEST(ExpectedFlag, IsMetWhereResidualAndErrorAreWithinTheTolerance) {
  EXPECT_EQ(expected_flag(pair_of(1e-4, 1e-4), rule), FlagExpected::met);
  EXPECT_EQ(expected_flag(pair_of(-2e-3, 1e-4), rule), FlagExpected::missed);
  EXPECT_EQ(expected_flag(pair_of(1e-4, 2e-3), rule), FlagExpected::missed);
}

TEST(ExpectedFlag, MayBeEitherAtTheToleranceItself) {
  EXPECT_EQ(expected_flag(pair_of(1.001e-3, 0), rule), FlagExpected::either);
  EXPECT_EQ(expected_flag(pair_of(0, 1.001e-3), rule), FlagExpected::either);
}

TEST(ExpectedFlag, IsMissedWithoutAnEstimate) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(expected_flag(pair_of(0, nan), rule), FlagExpected::missed);
}

TEST(ExpectedFlag, OfSeveralOutputsEachHasAToleranceOfItsOwn) {
  PairCertificate pair{
      .change = {1.0, 1e-3}, .residual = {1e-4, 1e-7}, .gross = {}, .error = 1e-7, .nodes = 9};
  EXPECT_EQ(expected_flag(pair, rule), FlagExpected::met);
  pair.error = 1e-4;  // within the first one's, beyond the second one's: whose it is is not said
  EXPECT_EQ(expected_flag(pair, rule), FlagExpected::either);
  pair.residual[1] = 1e-4;
  EXPECT_EQ(expected_flag(pair, rule), FlagExpected::missed);
}

TEST(ExpectedFlag, IsMetWhereNothingMoved) {
  PairCertificate pair = pair_of(0, 0);
  pair.change = {0.0};
  pair.nodes = 0;
  EXPECT_EQ(expected_flag(pair, rule), FlagExpected::met);
}

TEST(ExpectedFlag, IsRelativeToTheGrossChangeWhereThatIsAskedFor) {
  QuadratureOptions gross = rule;
  gross.relative_to_gross = true;
  PairCertificate pair = pair_of(5e-3, 0);
  pair.gross = {10.0};
  EXPECT_EQ(expected_flag(pair, gross), FlagExpected::met);
  EXPECT_EQ(expected_flag(pair, rule), FlagExpected::missed);
}

}  // namespace
}  // namespace explaind
