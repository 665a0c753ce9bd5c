#pragma once
// How much of a total every row has.

#include <string>
#include <vector>

#include "store/base_query.hpp"

namespace explaind {

/// Divides every row by the sum of all rows that agree with it in the coordinates `within`; "all"
/// alone: by the sum of all rows. Shares are signed and add up to 1. Where a sum cancels to less
/// than a billionth of its rows' sizes its shares are NaN, which a note says.
///
/// Throws UsageError where rows cannot be added, `within` names no coordinate of the result, or
/// every sum cancels.
void to_shares(QueryResult& result, const BaseQuery& base, const std::vector<std::string>& within);

}  // namespace explaind
