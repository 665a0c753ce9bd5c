#include "store/operations/share.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "store/operations/result_columns.hpp"

namespace explaind {
namespace {

/// Rows are added up, whatever they differ in.
void require_additive(const QueryResult& result, const BaseQuery& base) {
  const Nature nature = base.nature();
  const bool steps = std::any_of(result.columns.begin(), result.columns.end(),
                                 [](const auto& column) { return column.axis == "segment"; });
  const bool adds =
      nature == Nature::part || nature == Nature::count || (nature == Nature::value && !steps);
  if (adds) return;
  const std::string& name = base.variable().name;
  throw UsageError("--share",
                   nature == Nature::estimate ? "estimates of errors have no total"
                                              : reason_not_added(nature, name),
                   "Ask for shares of psi or of one of its parts");
}

/// The total that every row belongs to.
std::vector<size_t> totals_of(const QueryResult& result, const std::vector<size_t>& columns,
                              size_t& count) {
  std::map<std::string, size_t> known;
  std::vector<size_t> places;
  for (size_t row = 0; row < result.values.size(); ++row) {
    const std::string key = columns.empty() ? "" : key_of(result, row, columns);
    places.push_back(known.emplace(key, known.size()).first->second);
  }
  count = known.size();
  return places;
}

/// Divides the values by their totals; which totals cancelled.
std::vector<bool> divide(std::vector<double>& values, const std::vector<size_t>& place,
                         size_t totals) {
  constexpr double least = 1e-9;
  std::vector<double> sum(totals, 0.0), size(totals, 0.0);
  for (size_t row = 0; row < values.size(); ++row) {
    if (std::isnan(values[row])) continue;
    sum[place[row]] += values[row];
    size[place[row]] += std::abs(values[row]);
  }
  std::vector<bool> cancelled(totals, false);
  for (size_t t = 0; t < totals; ++t) cancelled[t] = std::abs(sum[t]) <= least * size[t];
  for (size_t row = 0; row < values.size(); ++row) {
    const bool none = cancelled[place[row]];
    values[row] = none ? std::numeric_limits<double>::quiet_NaN() : values[row] / sum[place[row]];
  }
  return cancelled;
}

}  // namespace

void to_shares(QueryResult& result, const BaseQuery& base, const std::vector<std::string>& within) {
  require_additive(result, base);
  const bool of_all = within.size() == 1 && within.front() == "all";
  std::vector<size_t> columns;
  for (const std::string& name : within) {
    if (!of_all) columns.push_back(column_named(result, name, "--share"));
  }
  size_t totals = 0;
  const std::vector<size_t> place = totals_of(result, columns, totals);
  const std::vector<bool> cancelled = divide(result.values, place, totals);
  const auto lost = static_cast<size_t>(std::count(cancelled.begin(), cancelled.end(), true));
  if (lost == totals && totals > 0) {
    throw UsageError("--share",
                     "the rows' sum is zero, or cancels to less than 1e-9 of their sizes",
                     "Leave it out, or ask for sizes, which do not cancel: --absolute component");
  }
  if (lost > 0) {
    result.notes.push_back(fmt::format("{} of {} is zero or cancels: its rows have no share (NaN)",
                                       counted(lost, "total"), totals));
  }
  for (std::vector<double>& each : result.drawings) divide(each, place, totals);
  std::vector<std::string> names;
  for (const size_t column : columns) names.push_back(result.columns[column].name);
  result.statement.then.push_back(
      of_all
          ? fmt::format("share of the sum of all {}", counted(result.values.size(), "row"))
          : fmt::format("share of the sum of the rows of the same {}", fmt::join(names, " and ")));
  result.variable += "_share";
  result.units = "1";
  if (!result.sign.empty()) result.sign = "negative: against the sign of the total";
}

}  // namespace explaind
