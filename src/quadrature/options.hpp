#pragma once
// What the user chooses about quadrature (method.md §4), read from text and checked before any
// work.

#include <string>

#include "quadrature/smoothness.hpp"

namespace explaind {

struct QuadratureOptions {
  std::string rule = "adaptive";  ///< by name
  int nodes = 0;                  ///< N of a rule with nodes known in advance
  double relative = 1e-5;         ///< tolerance relative to |ΔF| (or to the gross change)
  double absolute = 1e-12;        ///< in the unit of F
  bool relative_to_gross = false;
  int first_nodes = 9;                        ///< Clenshaw–Curtis level begun with: 3, 5 or 9
  Smoothness smoothness = Smoothness::kinks;  ///< of what is integrated
  int max_nodes = 129;                        ///< Clenshaw–Curtis cap: 9, 17, 33, 65 or 129
  int max_kink_nodes = 1500;                  ///< Simpson cap
  double epsilon = 2.220446049250313e-16;     ///< of the compute precision, a constant
};

/// A difference is rounding where it is no larger than so many epsilons of what was added up.
inline constexpr double times_rounding = 16;

/// "NAME", or "NAME:N" of rules with nodes known in advance: "adaptive", "gauss:N" (N from 1 to
/// 1000), "midpoint:N". Throws UsageError otherwise. Sets rule and nodes.
void parse_quadrature(const std::string& text, QuadratureOptions& options);

/// Throws UsageError, naming the option, where a value is impossible. make_plan does it too; call
/// it before the loop over units, where an error still ends all ranks with exit code 2.
void check_quadrature(const QuadratureOptions& options);

/// Whether the rule finds its nodes and estimates its error; else `nodes` are known in advance.
bool finds_nodes(const QuadratureOptions& options);

}  // namespace explaind
