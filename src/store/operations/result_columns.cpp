#include "store/operations/result_columns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/nearest_name.hpp"

namespace explaind {

size_t column_named(const QueryResult& result, const std::string& name, const std::string& option) {
  std::vector<std::string> names;
  for (const QueryResult::Column& column : result.columns) names.push_back(column.name);
  for (const std::string& wanted : {name, name + "_to"}) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
  }
  throw UsageError(option, "'" + name + "' is not among the coordinates of the result",
                   suggestion(name, names,
                              names.empty() ? "Keep it with --group-by"
                                            : fmt::format("It has {}; --group-by keeps others",
                                                          fmt::join(names, ", "))));
}

std::string key_of(const QueryResult& result, size_t row, const std::vector<size_t>& columns) {
  std::string key;
  for (const size_t column : columns) {
    key += result.keys[row][column];
    key += '\0';  // which no label holds
  }
  return key;
}

}  // namespace explaind
