#include "store/operations/ranking.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace explaind {
namespace {

/// The rows by descending rank, ties in their order; those without a value last.
std::vector<size_t> ranked(const std::vector<double>& values,
                           const std::function<double(double)>& rank) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const bool missing_a = std::isnan(values[a]), missing_b = std::isnan(values[b]);
    if (missing_a || missing_b) return !missing_a && missing_b;
    return rank(values[a]) > rank(values[b]);
  });
  return order;
}

std::vector<size_t> first_of(std::vector<size_t> order, int64_t count) {
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  return order;
}

}  // namespace

void choose_rows(QueryResult& result, const Query& query) {
  const size_t all = result.values.size();
  const auto keep = [&](const std::vector<size_t>& rows, const std::string& which) {
    result.statement.then.push_back(fmt::format("the {} of {} rows", which, all));
    keep_rows(result, rows);
  };
  if (query.top > 0) {
    const auto size = [](double value) { return std::abs(value); };
    keep(first_of(ranked(result.values, size), query.top),
         fmt::format("{} largest by absolute value", query.top));
    return;
  }
  if (query.highest == 0 && query.lowest == 0) return;
  std::vector<size_t> rows =
      first_of(ranked(result.values, [](double value) { return value; }), query.highest);
  const std::vector<size_t> lowest =
      first_of(ranked(result.values, [](double value) { return -value; }), query.lowest);
  for (const size_t row : lowest) {
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
  }
  std::vector<std::string> which;
  if (query.highest > 0) which.push_back(fmt::format("{} highest", query.highest));
  if (query.lowest > 0) which.push_back(fmt::format("{} lowest", query.lowest));
  keep(rows, fmt::format("{}", fmt::join(which, " and ")));
}

}  // namespace explaind
