#pragma once
// The result of a query as programs read it. What a row is made of stands in it: a column (or key)
// such as mean_of_samples holds the number of entries.

#include <ostream>

#include "store/query.hpp"

namespace explaind {

/// One header line; a row's coordinates, its counts, the value, and its standard error if asked.
void print_csv(const QueryResult& result, std::ostream& out);
/// An array with an object per row.
void print_json(const QueryResult& result, std::ostream& out);
/// The bytes of an .npy file, which has no room for more than the numbers.
void print_npy(const QueryResult& result, std::ostream& out);
/// For what an .npy file cannot say: one line of JSON with variable, units, shape, coordinates and
/// what was done over how many.
std::string json_statement(const QueryResult& result);

}  // namespace explaind
