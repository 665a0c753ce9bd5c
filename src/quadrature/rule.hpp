#pragma once
// What a quadrature rule is to everything else: a name, what it refuses, and a plan. One file of
// rules/ for each.

#include <cstdint>
#include <memory>

#include "quadrature/fixed_rules.hpp"
#include "quadrature/options.hpp"
#include "quadrature/plan.hpp"

namespace explaind {

class QuadratureRule {
 public:
  virtual ~QuadratureRule() = default;
  [[nodiscard]] virtual const char* name() const = 0;
  /// The largest N of "NAME:N", which is from 1 on; 0: the rule is its name alone and finds its
  /// nodes, until its estimate of the error is small enough.
  [[nodiscard]] virtual int most_nodes() const { return 0; }
  /// Throws UsageError where an option that only this rule obeys is impossible.
  virtual void check(const QuadratureOptions& /*options*/) const {}
  /// As make_plan; options: checked.
  [[nodiscard]] virtual std::unique_ptr<QuadraturePlan> plan(const QuadratureOptions& options,
                                                             int64_t samples, IntegrandShape shape,
                                                             bool scores_follow_tensors) const = 0;
};

/// A rule with nodes known in advance.
class FixedQuadrature : public QuadratureRule {
 public:
  [[nodiscard]] virtual FixedRule of_nodes(int n) const = 0;
  [[nodiscard]] std::unique_ptr<QuadraturePlan> plan(const QuadratureOptions& options,
                                                     int64_t samples, IntegrandShape shape,
                                                     bool scores_follow_tensors) const final;
};

const QuadratureRule& adaptive_quadrature();
const QuadratureRule& gauss_quadrature();
const QuadratureRule& midpoint_quadrature();

/// The rule that the options name. Throws UsageError where there is none.
const QuadratureRule& rule_of(const QuadratureOptions& options);

}  // namespace explaind
