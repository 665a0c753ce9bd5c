#pragma once
// The rows that stand out.

#include "store/query.hpp"

namespace explaind {

/// With `top` the rows of the largest absolute values, largest first; with `highest` those of the
/// largest signed values, and with `lowest` of the smallest, most negative first (with both the
/// highest stand first, and no row twice). Rows without a value come last. The statement
/// says so.
void choose_rows(QueryResult& result, const Query& query);

}  // namespace explaind
