#pragma once
// Plans with nodes known in advance: one round, no error estimate.

#include <memory>

#include "quadrature/fixed_rules.hpp"
#include "quadrature/plan.hpp"

namespace explaind {

/// end: fixed, whose error is not known; or met, where the rule is exact.
std::unique_ptr<QuadraturePlan> make_fixed_plan(const FixedRule& rule, int64_t samples,
                                                IntegrandShape shape, SampleVerdict::End end);

}  // namespace explaind
