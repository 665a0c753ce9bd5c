#pragma once
// Plans with nodes known in advance: one round, no error estimate.

#include <memory>

#include "quadrature/adaptive_plan.hpp"
#include "quadrature/clenshaw_curtis_sample.hpp"

namespace explaind {

/// For rule = gauss or midpoint.
std::unique_ptr<AdaptivePlan> make_fixed_plan(const QuadratureOptions& options, int64_t samples,
                                              IntegrandShape shape);

}  // namespace explaind
