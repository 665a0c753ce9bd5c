#include "quadrature/rule.hpp"

#include <array>
#include <charconv>
#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "quadrature/fixed_plan.hpp"

namespace explaind {
namespace {

/// Every rule there is.
std::array<const QuadratureRule*, 3> all_rules() {
  return {&adaptive_quadrature(), &gauss_quadrature(), &midpoint_quadrature()};
}

const QuadratureRule* find_rule(const std::string& name) {
  for (const QuadratureRule* each : all_rules()) {
    if (name == each->name()) return each;
  }
  return nullptr;
}

/// "Use adaptive, gauss:N (N from 1 to 1000) or midpoint:N (N from 1 to 1000000)"
std::string choices() {
  const auto all = all_rules();
  std::string text = "Use ";
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0) text += i + 1 < all.size() ? ", " : " or ";
    text += all.at(i)->name();
    const int most = all.at(i)->most_nodes();
    if (most > 0) text += ":N (N from 1 to " + std::to_string(most) + ")";
  }
  return text;
}

/// N of "NAME:N"; 0 where it is none.
int nodes_after(const std::string& text, size_t colon) {
  int nodes = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + colon + 1, end, nodes);
  return failure != std::errc{} || stop != end ? 0 : nodes;
}

}  // namespace

std::unique_ptr<QuadraturePlan> FixedQuadrature::plan(const QuadratureOptions& options,
                                                      int64_t samples, IntegrandShape shape,
                                                      bool /*scores_follow_tensors*/) const {
  return make_fixed_plan(of_nodes(options.nodes), samples, shape, SampleVerdict::End::fixed);
}

const QuadratureRule& rule_of(const QuadratureOptions& options) {
  const QuadratureRule* found = find_rule(options.rule);
  if (found == nullptr) {
    throw UsageError("--quadrature", "cannot read '" + options.rule + "'", choices());
  }
  return *found;
}

void parse_quadrature(const std::string& text, QuadratureOptions& options) {
  const size_t colon = text.find(':');
  const QuadratureRule* rule = find_rule(text.substr(0, colon));
  const int nodes = colon == std::string::npos ? 0 : nodes_after(text, colon);
  const int most = rule == nullptr ? 0 : rule->most_nodes();
  const bool alone = most == 0 && colon == std::string::npos;
  if (rule == nullptr || !(alone || (nodes >= 1 && nodes <= most))) {
    throw UsageError("--quadrature", "cannot read '" + text + "'", choices());
  }
  options.rule = rule->name();
  options.nodes = nodes;
}

void check_quadrature(const QuadratureOptions& options) {
  const QuadratureRule& rule = rule_of(options);
  const int most = rule.most_nodes();
  if (most > 0 && (options.nodes < 1 || options.nodes > most)) {
    throw UsageError("--quadrature", counted(options.nodes, "node"), choices());
  }
  rule.check(options);
}

bool finds_nodes(const QuadratureOptions& options) { return rule_of(options).most_nodes() == 0; }

std::unique_ptr<QuadraturePlan> make_plan(const QuadratureOptions& options, int64_t samples,
                                          int64_t tensors, bool scores_follow_tensors,
                                          int64_t outputs) {
  check_quadrature(options);
  const IntegrandShape shape{static_cast<size_t>(outputs), static_cast<size_t>(tensors)};
  return rule_of(options).plan(options, samples, shape, scores_follow_tensors);
}

std::unique_ptr<QuadraturePlan> make_still_plan(const QuadratureOptions& options, int64_t samples,
                                                int64_t tensors, int64_t outputs) {
  const IntegrandShape shape{static_cast<size_t>(outputs), static_cast<size_t>(tensors)};
  return make_fixed_plan(
      {}, samples, shape,
      finds_nodes(options) ? SampleVerdict::End::met : SampleVerdict::End::fixed);
}

}  // namespace explaind
