#pragma once
// The result of a query as a table for people.

#include <ostream>
#include <string>

#include "store/query.hpp"

namespace explaind {

/// A first line that says what a row is made of, where there is something to say; then a line per
/// row, the value last, or, with `wide`, a line per combination of the other coordinates and a
/// column per value of that one. Throws UsageError where `wide` is no coordinate of the result.
void print_table(const QueryResult& result, const std::string& wide, std::ostream& out);

}  // namespace explaind
