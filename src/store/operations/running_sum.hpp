#pragma once
// What has come together up to a step.

#include "store/base_query.hpp"

namespace explaind {

/// Running sums along segments, in their order along the path: of the rows that differ in nothing
/// but coordinates of segments. What is NaN stays so and adds nothing.
///
/// Throws UsageError where no coordinate of segments stays, or the variable does not add up along
/// them.
void to_running_sums(QueryResult& result, const BaseQuery& base);

}  // namespace explaind
