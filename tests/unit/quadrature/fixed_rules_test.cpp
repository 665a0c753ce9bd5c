#include "quadrature/fixed_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

namespace explaind {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

template <class F>
double integrate(const FixedRule& rule, const F& f) {
  double sum = 0;
  for (size_t q = 0; q < rule.nodes.size(); ++q) sum += rule.weights[q] * f(rule.nodes[q]);
  return sum;
}

TEST(GaussRule, IsExactUpToItsDegreeAndNotBeyond) {
  for (const int n : {1, 2, 3, 4, 7, 10, 31, 100}) {
    const FixedRule rule = gauss_rule(n);
    for (int k = 0; k < 2 * n; ++k) {
      EXPECT_NEAR(integrate(rule, [k](double t) { return std::pow(t, k); }), 1.0 / (k + 1), 1e-14)
          << n << " nodes, degree " << k;
    }
    if (n <= 7) {
      const double beyond = integrate(rule, [n](double t) { return std::pow(t, 2 * n); });
      EXPECT_GT(std::abs(beyond - 1.0 / (2 * n + 1)), 1e-10) << n;
    }
  }
}

TEST(GaussRule, HasPositiveWeightsAndSymmetricNodesForEverySize) {
  for (int n = 1; n <= 1000; n += n < 40 ? 1 : 137) {
    const FixedRule rule = gauss_rule(n);
    ASSERT_EQ(rule.nodes.size(), static_cast<size_t>(n));
    EXPECT_GT(rule.nodes.front(), 0);
    EXPECT_LT(rule.nodes.back(), 1);
    EXPECT_TRUE(std::is_sorted(rule.nodes.begin(), rule.nodes.end(), std::less_equal<>()));
    EXPECT_THAT(rule.weights, testing::Each(testing::Gt(0.0)));
    EXPECT_NEAR(std::accumulate(rule.weights.begin(), rule.weights.end(), 0.0), 1, 1e-14);
    for (size_t q = 0; q < rule.nodes.size(); ++q) {
      EXPECT_NEAR(rule.nodes[q] + rule.nodes[rule.nodes.size() - 1 - q], 1, 2e-16);
    }
  }
}

TEST(GaussRule, AThousandNodesResolveAThousandRadians) {
  const double computed = integrate(gauss_rule(1000), [](double t) { return std::cos(1500 * t); });
  EXPECT_NEAR(computed, std::sin(1500.0) / 1500, 1e-14);
}

TEST(GaussRule, ThreeNodesAreTheTextbook) {
  const double far = std::sqrt(0.6) / 2;
  const FixedRule rule = gauss_rule(3);
  EXPECT_THAT(rule.nodes, Pointwise(DoubleNear(1e-16), std::vector{0.5 - far, 0.5, 0.5 + far}));
  EXPECT_THAT(rule.weights, Pointwise(DoubleNear(1e-16), std::vector{5 / 18., 8 / 18., 5 / 18.}));
}

TEST(GaussRule, AgreesWithNumpy) {
  std::ifstream file(EXPLAIND_TEST_DATA "/quadrature/gauss.json");
  const nlohmann::json rules = nlohmann::json::parse(file);
  EXPECT_GE(rules.size(), 17U);
  for (const auto& [nodes, golden] : rules.items()) {
    SCOPED_TRACE(nodes);
    const FixedRule rule = gauss_rule(std::stoi(nodes));
    EXPECT_THAT(rule.nodes,
                Pointwise(DoubleNear(4e-16), golden["nodes"].get<std::vector<double>>()));
    EXPECT_THAT(rule.weights,
                Pointwise(DoubleNear(4e-15), golden["weights"].get<std::vector<double>>()));
  }
}

TEST(MidpointRule, TakesTheMiddlesOfEqualPanels) {
  const FixedRule rule = midpoint_rule(4);
  EXPECT_THAT(rule.nodes, testing::ElementsAre(.125, .375, .625, .875));
  EXPECT_THAT(rule.weights, testing::Each(0.25));
}

}  // namespace
}  // namespace explaind
