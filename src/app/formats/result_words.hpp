#pragma once
// What the rows of a result are, in words and for programs: beside every format, or in it.

#include <string>
#include <vector>

#include "store/query.hpp"

namespace explaind {

/// "psi [nat]"; without units where they are 1.
std::string title_of(const QueryResult& result);

/// "psi [nat]: mean of 4 samples, sum of 12 segments. Negative: lowered F".
std::string heading(const QueryResult& result);

/// Names of the columns that say of how many entries a row is made: mean_of_samples; none where
/// rows have no such counts.
std::vector<std::string> count_columns(const QueryResult& result);

/// One line of JSON with variable, units, sign, shape, coordinates and what was done over how many.
std::string json_statement(const QueryResult& result);

}  // namespace explaind
