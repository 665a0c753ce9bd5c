// Plans of single optimizer steps: several outputs that share a sample's nodes, and few nodes to
// begin with.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "quadrature/plan.hpp"

namespace explaind {
namespace {

/// One output: its integrand (one tensor) and the integral.
struct Output {
  std::function<double(double)> integrand;
  double integral;
};
using Sample = std::vector<Output>;

struct Result {
  std::vector<SampleVerdict> verdicts;
  std::vector<std::set<double>> nodes;
};

Result solve(const QuadratureOptions& options, const std::vector<Sample>& samples) {
  const auto outputs = static_cast<int64_t>(samples.front().size());
  const auto plan = make_plan(options, static_cast<int64_t>(samples.size()), 1, true, outputs);
  Result result;
  result.nodes.resize(samples.size());
  while (!plan->done()) {
    const std::vector<Ask> asks = plan->next();
    std::vector<std::vector<double>> functionals, values;
    for (const Ask& ask : asks) {
      functionals.emplace_back();
      values.emplace_back();
      for (const int64_t s : ask.samples) {
        const auto at = static_cast<size_t>(s);
        result.nodes[at].insert(ask.t);
        for (const Output& output : samples[at]) {
          functionals.back().push_back(ask.t == 1 ? 3 + output.integral : 3);
          values.back().push_back(output.integrand(ask.t));
        }
      }
    }
    plan->tell(functionals, values);
  }
  for (size_t s = 0; s < samples.size(); ++s) {
    result.verdicts.push_back(plan->verdict(static_cast<int64_t>(s)));
  }
  return result;
}

Output gentle(double rate) {
  return {[rate](double t) { return std::exp(rate * t); }, (std::exp(rate) - 1) / rate};
}
/// 1, and 1 + height beyond `where`.
Output jump(double where, double height) {
  return {[=](double t) { return 1 + (t > where ? height : 0); }, 1 + height * (1 - where)};
}

QuadratureOptions starting(int nodes, double relative) {
  QuadratureOptions options;
  options.first_nodes = nodes;
  options.relative = relative;
  return options;
}

TEST(FirstNodes, GentleIntegrandsNeedThree) {
  const Result found = solve(starting(3, 1e-6), {{gentle(0.01)}, {gentle(0.4)}});
  EXPECT_EQ(found.verdicts[0].evaluations, 3);
  EXPECT_EQ(found.nodes[0], (std::set<double>{0, 0.5, 1}));
  EXPECT_GT(found.verdicts[1].evaluations, 3);
  EXPECT_LE(found.verdicts[1].evaluations, 9);
  for (const double rate : {0.01, 0.4}) {
    const SampleVerdict& verdict = found.verdicts[rate == 0.01 ? 0 : 1];
    EXPECT_EQ(verdict.end, SampleVerdict::End::met);
    EXPECT_NEAR(verdict.integrals[0], gentle(rate).integral, 1e-6);
    EXPECT_LE(std::abs(verdict.integrals[0] - gentle(rate).integral), verdict.error);
  }
}

TEST(FirstNodes, AJumpIsBisectedAfterFive) {
  const Result found = solve(starting(3, 1e-3), {{jump(0.3, 0.2)}});
  EXPECT_EQ(found.verdicts[0].end, SampleVerdict::End::kinks);
  EXPECT_NEAR(found.verdicts[0].integrals[0], jump(0.3, 0.2).integral, 1.2e-3);
  // Five nodes, then dyadic ones, where a start with nine spends seventeen first.
  EXPECT_TRUE(found.nodes[0].contains(0.25));
  EXPECT_LT(found.verdicts[0].evaluations,
            solve(starting(9, 1e-3), {{jump(0.3, 0.2)}}).verdicts[0].evaluations);
}

TEST(Outputs, ASampleIsDoneWhenAllOfItsOutputsAre) {
  for (const int first : {3, 9}) {
    const QuadratureOptions options = starting(first, 1e-4);
    const Result alone = solve(options, {{gentle(0.1)}, {jump(0.3, 1e-2)}});
    const Result both = solve(options, {{gentle(0.1), jump(0.3, 1e-2)}});
    EXPECT_EQ(both.verdicts[0].end, SampleVerdict::End::kinks);
    EXPECT_GT(alone.verdicts[1].evaluations, alone.verdicts[0].evaluations);
    // The gentle output has met its tolerance and does not decide where nodes go.
    EXPECT_EQ(both.nodes[0], alone.nodes[1]);
    EXPECT_EQ(both.verdicts[0].integrals[1], alone.verdicts[1].integrals[0]);
    EXPECT_NEAR(both.verdicts[0].integrals[0], gentle(0.1).integral, 1e-4);
  }
}

TEST(Outputs, EachHasItsOwnTolerance) {
  // The same jump beside a change of 1 and beside one of 100: the first decides.
  const Output large{[](double t) { return 100 + (t > 0.3 ? 1e-2 : 0); }, 100 + 7e-3};
  const QuadratureOptions options = starting(3, 1e-4);
  EXPECT_EQ(solve(options, {{large}}).verdicts[0].evaluations, 3);
  const Result found = solve(options, {{large, jump(0.3, 1e-2)}});
  EXPECT_EQ(found.nodes[0], solve(options, {{jump(0.3, 1e-2)}}).nodes[0]);
  EXPECT_NEAR(found.verdicts[0].integrals[0], large.integral, 1.1e-4);
}

TEST(Outputs, FixedRulesSumEveryOutput) {
  QuadratureOptions options;
  parse_quadrature("midpoint:10", options);
  const Result found = solve(options, {{gentle(1), jump(0.3, 1)}, {jump(0.71, 2), gentle(2)}});
  EXPECT_NEAR(found.verdicts[0].integrals[0], gentle(1).integral, 1e-3);
  EXPECT_NEAR(found.verdicts[0].integrals[1], jump(0.3, 1).integral, 1e-12);
  EXPECT_NEAR(found.verdicts[1].integrals[0], 1 + 2 * 0.3, 1e-12);
  EXPECT_NEAR(found.verdicts[1].integrals[1], gentle(2).integral, 6e-3);
}

TEST(Outputs, OneThatIsNotFiniteMissesAtOnce) {
  const Output broken{[](double) { return std::nan(""); }, 1};
  const Result found = solve(starting(3, 1e-4), {{gentle(0.1), broken}});
  EXPECT_EQ(found.verdicts[0].end, SampleVerdict::End::missed);
  EXPECT_EQ(found.verdicts[0].evaluations, 3);
}

}  // namespace
}  // namespace explaind
