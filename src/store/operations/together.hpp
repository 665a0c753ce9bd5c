#pragma once
// Which operations go together.

#include "store/query.hpp"

namespace explaind {

/// Throws UsageError for operations that cannot be done one after the other: standard errors of
/// what is no mean any more, and two rankings.
void require_operations_together(const Query& query);

}  // namespace explaind
