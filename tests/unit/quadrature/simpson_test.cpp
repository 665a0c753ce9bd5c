#include "quadrature/simpson.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace explaind {
namespace {

using testing::ElementsAre;
using testing::Pair;
using Integrand = std::function<std::vector<double>(double)>;

SimpsonBisection start(const Integrand& f, double change, double tolerance, int spent = 17,
                       int cap = 1500, double epsilon = 2.2e-16) {
  return {{.at_zero = f(0),
           .at_half = f(0.5),
           .at_one = f(1),
           .change = {change},
           .tolerances = {tolerance},
           .spent = spent},
          cap,
          epsilon};
}

void step(SimpsonBisection& bisection, const Integrand& f) {
  const auto [first, second] = bisection.asked();
  bisection.tell(f(first), f(second));
}

const Integrand& tent() {  // two kinks of equal size
  static const Integrand f = [](double t) {
    return std::vector{std::abs(t - 0.25) + std::abs(t - 0.75)};
  };
  return f;
}

TEST(SimpsonBisection, StopsWithoutANodeWhereThreeSuffice) {
  const auto bisection = start([](double t) { return std::vector{1 + t}; }, 1.5, 1e-12);
  EXPECT_TRUE(bisection.done());
  EXPECT_TRUE(bisection.met());
  EXPECT_EQ(bisection.evaluations(), 17);
  EXPECT_THAT(bisection.weights(), ElementsAre(Pair(0.0, testing::DoubleEq(1 / 6.)),
                                               Pair(0.5, testing::DoubleEq(4 / 6.)),
                                               Pair(1.0, testing::DoubleEq(1 / 6.))));
  EXPECT_THAT(bisection.integrals(), ElementsAre(testing::DoubleEq(1.5)));
}

TEST(SimpsonBisection, SplitsTheFirstOfEquallyBadPanelsAndAppendsTheHalves) {
  SimpsonBisection bisection = start(tent(), 0.625, 1e-12);
  EXPECT_THAT(bisection.asked(), ElementsAre(0.25, 0.75));  // of [0, 1]
  step(bisection, tent());
  EXPECT_THAT(bisection.asked(), ElementsAre(0.125, 0.375));  // left and right are equally bad
  step(bisection, tent());
  EXPECT_THAT(bisection.asked(), ElementsAre(0.625, 0.875));  // the right one is first now
  step(bisection, tent());
  EXPECT_TRUE(bisection.met());  // the kinks are ends of panels
  EXPECT_EQ(bisection.evaluations(), 17 + 6);
  EXPECT_NEAR(bisection.integrals()[0], 0.625, 1e-15);
}

TEST(SimpsonBisection, GoesToTheJumpOfWhicheverTensorHasOne) {
  const Integrand f = [](double t) { return std::vector{t, t > 0.9 ? 1.0 : 0.0}; };
  SimpsonBisection bisection = start(f, 0.6, 1e-3);
  EXPECT_THAT(bisection.asked(), ElementsAre(0.25, 0.75));
  step(bisection, f);
  EXPECT_THAT(bisection.asked(), ElementsAre(0.625, 0.875));
  step(bisection, f);
  EXPECT_THAT(bisection.asked(), ElementsAre(0.8125, 0.9375));
  while (!bisection.done()) step(bisection, f);
  EXPECT_TRUE(bisection.met());
  EXPECT_NEAR(bisection.integrals()[0], 0.5, 1e-15);
  EXPECT_NEAR(bisection.integrals()[1], 0.1, 1e-3);
}

TEST(SimpsonBisection, ErrorIsHalfOfSimpsonAgainstTrapezoidSummed) {
  const Integrand f = [](double t) { return std::vector{t * t, -2 * t * t}; };
  SimpsonBisection bisection = start(f, -1 / 3., 1e-5);
  EXPECT_NEAR(bisection.error(), 1 / 6., 1e-15);  // ½ |−2/3 + 1|
  step(bisection, f);
  EXPECT_NEAR(bisection.error(), 1 / 24., 1e-15);
}

TEST(SimpsonBisection, WeightsSumToOneAndGiveTheIntegrals) {
  const Integrand f = [](double t) { return std::vector{std::abs(t - 0.3), t > 0.7 ? 1.0 : 0.0}; };
  SimpsonBisection bisection = start(f, 0.29 + 0.3, 1e-4);
  while (!bisection.done()) step(bisection, f);
  double total = 0;
  std::vector<double> sums(2, 0.0);
  for (const auto& [t, weight] : bisection.weights()) {
    EXPECT_GT(weight, 0);
    total += weight;
    for (size_t c = 0; c < 2; ++c) sums[c] += weight * f(t)[c];
  }
  EXPECT_NEAR(total, 1, 1e-14);
  EXPECT_EQ(bisection.integrals(), sums);
  EXPECT_NEAR(sums[0], 0.29, 1e-4);
  EXPECT_NEAR(sums[1], 0.3, 1e-4);
}

TEST(SimpsonBisection, NeedsTheSumToMatchTheChange) {
  SimpsonBisection bisection = start(tent(), 0.7, 0.01, 17, 100);
  while (!bisection.done()) step(bisection, tent());
  EXPECT_FALSE(bisection.met());
  EXPECT_NEAR(bisection.integrals()[0], 0.625, 1e-12);
}

TEST(SimpsonBisection, StopsOnceMoreThanTheCapIsSpent) {
  for (const auto& [cap, spent] : {std::pair{17, 19}, {18, 19}, {19, 21}, {40, 41}, {16, 17}}) {
    SimpsonBisection bisection = start(tent(), 0.7, 1e-9, 17, cap);
    while (!bisection.done()) step(bisection, tent());
    EXPECT_EQ(bisection.evaluations(), spent);
    EXPECT_FALSE(bisection.met());
  }
}

TEST(SimpsonBisection, WhatIsLeftToRoundingEndsIt) {
  constexpr double epsilon = 1.2e-7;
  // Of the change 1e-7 is missing: less than the rounding of a few numbers of size .6.
  SimpsonBisection bisection = start(tent(), 0.625 + 1e-7, 1e-12, 17, 1500, epsilon);
  while (!bisection.done()) step(bisection, tent());
  EXPECT_FALSE(bisection.met());
  EXPECT_TRUE(bisection.limited());
  EXPECT_LE(bisection.evaluations(), 17 + 6) << "the kinks are ends of panels after so many";
  // What rounding does not explain is not taken for it.
  SimpsonBisection other = start(tent(), 0.625 + 1e-4, 1e-12, 17, 100, epsilon);
  while (!other.done()) step(other, tent());
  EXPECT_FALSE(other.limited());
  EXPECT_GT(other.evaluations(), 100);
  // Nor are panels that are not resolved yet, whatever the residual.
  const Integrand jump = [](double t) { return std::vector{t > 0.377 ? 1.0 : 0.0}; };
  SimpsonBisection open = start(jump, 0.623, 1e-12, 17, 25, epsilon);
  while (!open.done()) step(open, jump);
  EXPECT_FALSE(open.limited());
}

TEST(SimpsonBisection, AValueThatIsNotFiniteEndsIt) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    SimpsonBisection bisection = start(tent(), 0.625, 1e-12);
    bisection.tell({bad}, {0.5});
    EXPECT_TRUE(bisection.done());
    EXPECT_FALSE(bisection.met());
    EXPECT_TRUE(std::isnan(bisection.error()));
    EXPECT_EQ(bisection.evaluations(), 19);
  }
}

}  // namespace
}  // namespace explaind
