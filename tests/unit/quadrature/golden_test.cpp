// Agreement with the executable specification of method.md §4, evaluation by evaluation.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "unit/quadrature/solve.hpp"

namespace explaind {
namespace {

using nlohmann::json;
using End = SampleVerdict::End;

double term_value(const json& term, double t) {
  const auto kind = term[0].get<std::string>();
  const double a = term[1], b = term[2], c = term[3];
  if (kind == "exp") return a * std::exp(b * t);
  if (kind == "runge") return a / (1 + b * (t - c) * (t - c));
  if (kind == "sin") return a * std::sin(b * t + c);
  if (kind == "abs") return a * std::abs(t - c);
  return t > c ? a : 0.0;
}

Problem problem_of(const json& entry) {
  const auto integrand = [tensors = entry["tensors"]](double t) {
    std::vector<double> values;
    for (const json& terms : tensors) {
      double sum = 0;
      for (const json& term : terms) sum += term_value(term, t);
      values.push_back(sum);
    }
    return values;
  };
  return {integrand, entry["value_from"], entry["value_to"]};
}

QuadratureOptions options_of(const json& entry) {
  QuadratureOptions options;
  options.relative = entry["relative"];
  options.absolute = entry["absolute"];
  options.epsilon = entry["epsilon"];
  static const std::map<std::string, Smoothness> classes = {
      {"smooth", Smoothness::smooth}, {"jumps", Smoothness::jumps}, {"kinks", Smoothness::kinks}};
  options.smoothness = classes.at(entry["kind"]);
  options.first_nodes = entry["first_nodes"];
  options.max_nodes = entry["max_nodes"];
  options.max_kink_nodes = entry["max_kink_nodes"];
  return options;
}

void expect_agreement(const json& entry, const Solved& solved) {
  static const std::map<std::string, End> ends = {
      {"met", End::met}, {"kinks", End::kinks}, {"limited", End::limited}, {"missed", End::missed}};
  const SampleVerdict& verdict = solved.verdicts[0];
  EXPECT_EQ(verdict.end, ends.at(entry["verdict"]));
  EXPECT_EQ(verdict.evaluations, entry["evaluations"].get<int>());
  EXPECT_EQ(solved.nodes[0].size(), entry["evaluations"].get<size_t>());
  const double error = entry["error"];
  EXPECT_NEAR(verdict.error, error, 1e-6 * error);
  const auto integrals = entry["integrals"].get<std::vector<double>>();
  ASSERT_EQ(verdict.integrals.size(), integrals.size());
  double largest = 0;  // of integrals that cancel only rounding is left
  for (const double each : integrals) largest = std::max(largest, std::abs(each));
  for (size_t c = 0; c < integrals.size(); ++c) {
    const double rounding = 1e-12 * std::abs(integrals[c]) + 1e-15 * largest;
    EXPECT_NEAR(verdict.integrals[c], integrals[c], rounding) << c;
  }
  EXPECT_EQ(verdict.value_from, entry["value_from"].get<double>());
  EXPECT_EQ(verdict.value_to, entry["value_to"].get<double>());
  if (!entry.contains("nodes")) return;
  const auto nodes = entry["nodes"].get<std::vector<double>>();
  ASSERT_EQ(solved.nodes[0].size(), nodes.size());
  for (size_t k = 0; k < nodes.size(); ++k) {
    EXPECT_NEAR(solved.nodes[0][k], nodes[k], 1e-15);  // the specification rounds its nodes
  }
}

TEST(Golden, EveryCaseAgreesWithTheSpecification) {
  std::ifstream file(EXPLAIND_TEST_DATA "/quadrature/golden.json");
  const json cases = json::parse(file);
  EXPECT_GE(cases.size(), 300U);
  for (const json& entry : cases) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    for (const bool follow : {false, true}) {
      expect_agreement(entry, solve(options_of(entry), {problem_of(entry)}, follow));
    }
  }
}

}  // namespace
}  // namespace explaind
