#pragma once
// The library that knows Apache Arrow, opened when it is needed.

#include <string>

#include "tables/plugin.hpp"

namespace explaind {

/// Its functions. Throws DataError where the program was built without Apache Arrow or does not
/// find it: `file`, what it `is` ("is a file of Parquet"), why it cannot be had, and what to do,
/// `or_else` at last.
const ExplaindArrow& arrow_library(const std::string& file, const std::string& is,
                                   const std::string& or_else);

}  // namespace explaind
