#pragma once
// Plans with nodes known in advance: one round, no error estimate.

#include <memory>

#include "quadrature/adaptive_plan.hpp"
#include "quadrature/clenshaw_curtis_sample.hpp"

namespace explaind {

/// end: fixed, whose error is not known; or met, where the rule is exact.
std::unique_ptr<AdaptivePlan> make_fixed_plan(const FixedRule& rule, int64_t samples,
                                              IntegrandShape shape, SampleVerdict::End end);

}  // namespace explaind
