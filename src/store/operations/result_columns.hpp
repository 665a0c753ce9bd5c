#pragma once
// The coordinates of a result, as an option names them.

#include <string>
#include <vector>

#include "store/query.hpp"

namespace explaind {

/// The place of a column; `step`, `tokens` and `phase` are step_to, tokens_to and phase_to, as in
/// --select. Throws UsageError with the nearest names where the result has none of this name.
size_t column_named(const QueryResult& result, const std::string& name, const std::string& option);

/// The texts of a row in these columns, as one key.
std::string key_of(const QueryResult& result, size_t row, const std::vector<size_t>& columns);

}  // namespace explaind
