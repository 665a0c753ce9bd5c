#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/error.hpp"
#include "quadrature/plan.hpp"
#include "unit/quadrature/solve.hpp"

namespace explaind {
namespace {

using End = SampleVerdict::End;

// Integrands of two tensors, with the integral of their sum at both ends' difference.

Problem easy(double size = 1) {  // met with 9 nodes
  const auto f = [size](double t) { return std::vector{size * std::exp(t), size * t}; };
  return {f, 3, 3 + size * (std::exp(1.0) - 1 + 0.5)};
}

Problem peak() {  // met with 33 nodes at 1e-5
  const auto f = [](double t) { return std::vector{1 / (1 + 60 * (t - 0.3) * (t - 0.3)), 0.5}; };
  const double root = std::sqrt(60.0);
  return {f, -1, -0.5 + (std::atan(0.7 * root) + std::atan(0.3 * root)) / root};
}

Problem kinks() {  // bisected
  const auto f = [](double t) { return std::vector{std::abs(t - 0.3), t > 0.71 ? 1.0 : 0.0}; };
  return {f, 0, 0.29 + 0.29};
}

QuadratureOptions at(double relative) { return {.relative = relative}; }

/// The plan's answers for one sample, to the bit.
void expect_same(const Solved& one, size_t i, const Solved& other, size_t j) {
  const SampleVerdict &a = one.verdicts[i], &b = other.verdicts[j];
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.evaluations, b.evaluations);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.accumulator, b.accumulator);
  EXPECT_EQ(a.integrals, b.integrals);
  EXPECT_EQ(a.value_from, b.value_from);
  EXPECT_EQ(a.value_to, b.value_to);
  EXPECT_EQ(one.nodes[i], other.nodes[j]);
  EXPECT_EQ(one.kept[i], other.kept[j]);
}

TEST(AdaptivePlan, SamplesDoNotInfluenceEachOther) {
  const std::vector<Problem> problems = {kinks(), easy(), peak(), easy(-0.01), kinks()};
  const Solved together = solve(at(1e-4), problems);
  const std::vector<Problem> turned(problems.rbegin(), problems.rend());
  const Solved reversed = solve(at(1e-4), turned);
  for (size_t i = 0; i < problems.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same(together, i, solve(at(1e-4), {problems[i]}), 0);
    expect_same(together, i, reversed, problems.size() - 1 - i);
  }
  EXPECT_NE(together.verdicts[0].evaluations, together.verdicts[2].evaluations);
}

TEST(AdaptivePlan, KeptScoresAreTheIntegralsToTheBit) {
  const std::vector<Problem> problems = {easy(), peak(), kinks(), easy(7), kinks()};
  for (const double relative : {1e-2, 1e-4, 1e-9}) {
    const Solved solved = solve(at(relative), problems);
    for (size_t s = 0; s < problems.size(); ++s) {
      const SampleVerdict& verdict = solved.verdicts[s];
      ASSERT_GE(verdict.accumulator, 0);
      EXPECT_EQ(solved.kept[s][static_cast<size_t>(verdict.accumulator)], verdict.integrals);
    }
  }
}

TEST(AdaptivePlan, EachLevelHasItsAccumulator) {
  const Solved solved = solve(at(1e-5), {easy(), peak()});
  EXPECT_EQ(solved.accumulators, 6);
  EXPECT_EQ(solved.verdicts[0].end, End::met);
  EXPECT_EQ(solved.verdicts[0].evaluations, 9);
  EXPECT_EQ(solved.verdicts[0].accumulator, 0);
  EXPECT_EQ(solved.verdicts[1].end, End::met);
  EXPECT_EQ(solved.verdicts[1].evaluations, 33);
  EXPECT_EQ(solved.verdicts[1].accumulator, 2);
  for (size_t level = 0; level < 3; ++level) {  // the sums of all levels up to the last
    EXPECT_NEAR(solved.kept[1][level][1], 0.5, 1e-15);
  }
  EXPECT_NE(solved.kept[1][0][0], solved.kept[1][1][0]);
}

TEST(AdaptivePlan, ARoundAsksNewNodesOfOpenSamplesOnly) {
  const Solved solved = solve(at(1e-5), {easy(), peak()});
  ASSERT_EQ(solved.rounds.size(), 3U);
  ASSERT_EQ(solved.rounds[0].size(), 9U);
  ASSERT_EQ(solved.rounds[1].size(), 8U);
  ASSERT_EQ(solved.rounds[2].size(), 16U);
  for (const Ask& ask : solved.rounds[0]) EXPECT_THAT(ask.samples, testing::ElementsAre(0, 1));
  for (size_t round = 1; round < 3; ++round) {
    for (const Ask& ask : solved.rounds[round]) {
      EXPECT_THAT(ask.samples, testing::ElementsAre(1));
      for (size_t l = 0; l < 6; ++l) EXPECT_EQ(ask.weights[l] > 0, l >= round && l < 5) << l;
    }
  }
}

TEST(AdaptivePlan, BisectionAsksTwoNodesARoundWithoutWeightsThenReplays) {
  const Solved solved = solve(at(1e-3), {peak(), kinks()});
  const SampleVerdict& verdict = solved.verdicts[1];
  EXPECT_EQ(verdict.end, End::kinks);
  EXPECT_EQ(verdict.accumulator, 5);
  ASSERT_TRUE(solved.replayed);
  size_t bisections = 0;
  for (size_t round = 1; round + 1 < solved.rounds.size(); ++round) {
    if (solved.rounds[round].size() != 2) continue;
    ++bisections;
    for (const Ask& ask : solved.rounds[round]) {
      EXPECT_THAT(ask.weights, testing::Each(0.0));
      EXPECT_EQ(std::ldexp(ask.t, 20), std::floor(std::ldexp(ask.t, 20))) << "dyadic";
    }
  }
  EXPECT_EQ(solved.nodes[1].size(), static_cast<size_t>(verdict.evaluations));
  double total = 0;
  for (const Ask& ask : solved.rounds.back()) {
    EXPECT_THAT(ask.samples, testing::ElementsAre(1));
    EXPECT_THAT(std::vector(ask.weights.begin(), ask.weights.end() - 1), testing::Each(0.0));
    EXPECT_GT(ask.weights.back(), 0);
    total += ask.weights.back();
  }
  EXPECT_NEAR(total, 1, 1e-14);
  EXPECT_EQ(solved.rounds.back().size(), 3 + 2 * bisections);
  EXPECT_EQ(solved.rounds.back().front().t, 0);
  EXPECT_EQ(solved.rounds.back().back().t, 1);
}

TEST(AdaptivePlan, AReplayGivesEverySampleItsOwnWeights) {
  Problem other = kinks();
  other.integrand = [](double t) { return std::vector{std::abs(t - 0.9), t > 0.11 ? 1.0 : 0.0}; };
  other.to = 0.41 + 0.89;
  const Solved solved = solve(at(1e-4), {kinks(), other});
  std::map<int64_t, double> total;
  bool differ = false;
  for (const Ask& ask : solved.rounds.back()) {
    for (size_t row = 0; row < ask.samples.size(); ++row) {
      total[ask.samples[row]] += ask.weights_of(static_cast<int64_t>(row)).back();
    }
    differ =
        differ || (ask.samples.size() == 2 && ask.weights_of(0).back() != ask.weights_of(1).back());
  }
  EXPECT_NEAR(total[0], 1, 1e-14);
  EXPECT_NEAR(total[1], 1, 1e-14);
  EXPECT_TRUE(differ);
}

TEST(AdaptivePlan, NoReplayWhereScoresFollowTensors) {
  const Solved replayed = solve(at(1e-3), {kinks(), easy()}, false);
  const Solved followed = solve(at(1e-3), {kinks(), easy()}, true);
  EXPECT_FALSE(followed.replayed);
  EXPECT_EQ(followed.accumulators, 5);
  EXPECT_EQ(followed.rounds.size() + 1, replayed.rounds.size());
  EXPECT_EQ(followed.verdicts[0].integrals, replayed.verdicts[0].integrals);
  EXPECT_EQ(followed.verdicts[0].evaluations, replayed.verdicts[0].evaluations);
  EXPECT_EQ(followed.verdicts[0].accumulator, -1);
}

TEST(AdaptivePlan, ASampleThatMissesAtTheKinkCapIsReplayedToo) {
  QuadratureOptions options = at(1e-8);
  options.max_kink_nodes = 51;
  const Solved solved = solve(options, {kinks()});
  EXPECT_EQ(solved.verdicts[0].end, End::missed);
  EXPECT_EQ(solved.verdicts[0].evaluations, 53);
  EXPECT_TRUE(solved.replayed);
  EXPECT_EQ(solved.kept[0][5], solved.verdicts[0].integrals);
}

TEST(AdaptivePlan, MeetsAToleranceOnKinksThatFixedRulesMiss) {
  const double relative = 1e-3, tolerance = relative * 0.58;
  const auto error = [](const Solved& solved) {
    const std::vector<double>& integrals = solved.verdicts[0].integrals;
    return std::max(std::abs(integrals[0] - 0.29), std::abs(integrals[1] - 0.29));
  };
  const Solved adaptive = solve(at(relative), {kinks()});
  EXPECT_EQ(adaptive.verdicts[0].end, End::kinks);
  EXPECT_LE(error(adaptive), tolerance);
  const int nodes = adaptive.verdicts[0].evaluations;
  EXPECT_GT(error(solve({.rule = "gauss", .nodes = nodes}, {kinks()})), tolerance);
  EXPECT_GT(error(solve({.rule = "midpoint", .nodes = nodes}, {kinks()})), tolerance);
}

TEST(AdaptivePlan, ToleranceMayFollowTheGrossChange) {
  const Problem cancelling = {[](double t) {
                                const double wave = 1 / (1 + 9 * (t - 0.4) * (t - 0.4));
                                return std::vector{100 * wave, -100 * wave + 1e-4 * t};
                              },
                              0, 5e-5};
  QuadratureOptions options = at(1e-5);
  const Solved change = solve(options, {cancelling});
  options.relative_to_gross = true;
  const Solved gross = solve(options, {cancelling});
  EXPECT_EQ(change.verdicts[0].evaluations, 33);  // 5e-10
  EXPECT_EQ(gross.verdicts[0].end, End::met);
  EXPECT_EQ(gross.verdicts[0].evaluations, 17);  // 1e-5 · 2 · 100 ∫ wave ≈ 9e-4
  // The gross change of the level itself, in each tensor's own sign.
  const double scale = 1e-5 * 200 * (std::atan(1.8) + std::atan(1.2)) / 3;
  EXPECT_LE(gross.verdicts[0].error, scale);
  EXPECT_GT(gross.verdicts[0].error, scale / 100);
}

TEST(AdaptivePlan, AValueThatIsNotFiniteMissesAtOnce) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Problem broken = easy();
    broken.integrand = [bad](double t) { return std::vector{t, t > 0.7 ? bad : 0.0}; };
    Problem end = easy();
    end.to = bad;
    const Solved solved = solve(at(1e-5), {broken, easy(), end});
    for (const size_t s : {0U, 2U}) {
      EXPECT_EQ(solved.verdicts[s].end, End::missed);
      EXPECT_EQ(solved.verdicts[s].evaluations, 9);
      EXPECT_TRUE(std::isnan(solved.verdicts[s].error));
    }
    EXPECT_EQ(solved.verdicts[1].end, End::met);
  }
}

TEST(AdaptivePlan, RefusesACapBetweenLevels) {
  EXPECT_THROW(make_plan({.max_nodes = 64}, 1, 1, false), UsageError);
}

TEST(AdaptivePlan, SmoothIntegrandsAreNotBisectedBefore33Nodes) {
  // Coefficients that are not small yet at 17 nodes look like a kink; at 65 they are gone.
  const Problem wave = {[](double t) { return std::vector{std::sin(28 * t + 0.9)}; }, 0,
                        (std::cos(0.9) - std::cos(28.9)) / 28};
  QuadratureOptions options = at(1e-3);
  EXPECT_EQ(solve(options, {wave}).verdicts[0].end, End::kinks);
  options.smoothness = Smoothness::jumps;
  EXPECT_EQ(solve(options, {wave}).verdicts[0].end, End::kinks);
  options.smoothness = Smoothness::smooth;
  const SampleVerdict found = solve(options, {wave}).verdicts[0];
  EXPECT_EQ(found.end, End::met);
  EXPECT_EQ(found.evaluations, 33);
}

TEST(AdaptivePlan, OnlyKinksAreLookedForAfterFiveNodes) {
  const Problem gentle = {[](double t) { return std::vector{1 + (t > 0.3 ? 0.2 : 0)}; }, 0,
                          1 + 0.2 * 0.7};
  QuadratureOptions options = at(1e-3);
  options.first_nodes = 5;
  const Solved early = solve(options, {gentle});
  EXPECT_TRUE(std::binary_search(early.nodes[0].begin(), early.nodes[0].end(), 0.25))
      << "a dyadic node";
  options.smoothness = Smoothness::jumps;
  const Solved late = solve(options, {gentle});
  EXPECT_GT(late.verdicts[0].evaluations, early.verdicts[0].evaluations);
}

TEST(AdaptivePlan, NineNodesAreEnoughToSeeWhatRoundingHides) {
  Problem noisy = easy();
  noisy.to += 1e-8;  // less than the rounding of the sum, more than the tolerance
  QuadratureOptions options{.relative = 0, .absolute = 1e-9, .epsilon = 1.2e-7};
  SampleVerdict found = solve(options, {noisy}).verdicts[0];
  EXPECT_EQ(found.end, End::limited);
  EXPECT_EQ(found.evaluations, 9);
  noisy.to += 1e-3;  // which rounding does not explain
  found = solve(options, {noisy}).verdicts[0];
  EXPECT_EQ(found.end, End::limited);
  EXPECT_EQ(found.evaluations, 17);
}

TEST(StillPlan, AsksBothEndsAndNoGradient) {
  for (const std::string rule : {"adaptive", "gauss"}) {
    const auto plan = make_still_plan({.rule = rule, .nodes = 7}, 2, 3);
    ASSERT_EQ(plan->next().size(), 2U);
    for (const Ask& ask : plan->next()) {
      EXPECT_TRUE(ask.value_only);
      EXPECT_THAT(ask.samples, testing::ElementsAre(0, 1));
    }
    EXPECT_EQ(plan->next()[1].t, 1);
    plan->tell({{4, 5}, {4, 5}}, {{}, {}});
    EXPECT_TRUE(plan->done());
    const SampleVerdict& verdict = plan->verdict(1);
    EXPECT_EQ(verdict.end, rule == "adaptive" ? End::met : End::fixed);
    EXPECT_EQ(std::isnan(verdict.error), rule != "adaptive");
    EXPECT_EQ(verdict.evaluations, 0);
    EXPECT_EQ(verdict.value_from, 5);
    EXPECT_EQ(verdict.value_to, 5);
    EXPECT_THAT(verdict.integrals, testing::ElementsAre(0, 0, 0));
  }
}

TEST(FixedPlan, AsksAllNodesAndTheEndsInOneRound) {
  const Solved solved = solve({.rule = "gauss", .nodes = 3}, {easy(), peak()});
  ASSERT_EQ(solved.rounds.size(), 1U);
  const std::vector<Ask>& asks = solved.rounds[0];
  ASSERT_EQ(asks.size(), 5U);
  EXPECT_EQ(asks.front().t, 0);
  EXPECT_EQ(asks.back().t, 1);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_THAT(asks[i].samples, testing::ElementsAre(0, 1));
    EXPECT_EQ(asks[i].value_only, i == 0 || i == 4);
    if (asks[i].value_only) {
      EXPECT_THAT(asks[i].weights, testing::Each(0.0));
    }
  }
  const SampleVerdict& verdict = solved.verdicts[1];
  EXPECT_EQ(verdict.end, End::fixed);
  EXPECT_EQ(verdict.evaluations, 3);
  EXPECT_TRUE(std::isnan(verdict.error));
  EXPECT_EQ(verdict.value_from, peak().from);
  EXPECT_EQ(verdict.value_to, peak().to);
  EXPECT_EQ(solved.accumulators, 1);
  EXPECT_EQ(solved.kept[1][0], verdict.integrals);
  EXPECT_NEAR(solved.verdicts[0].integrals[0], std::exp(1.0) - 1, 1e-6);
  EXPECT_NEAR(solved.verdicts[0].integrals[1], 0.5, 1e-15);
}

TEST(FixedPlan, MidpointOfOneIsTheMiddle) {
  const Solved solved = solve({.rule = "midpoint", .nodes = 1}, {easy()});
  EXPECT_EQ(solved.verdicts[0].integrals[0], std::exp(0.5));
  EXPECT_EQ(solved.nodes[0], std::vector{0.5});
}

}  // namespace
}  // namespace explaind
