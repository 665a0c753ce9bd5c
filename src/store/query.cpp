#include "store/query.hpp"

#include <limits>
#include <utility>

#include "store/base_query.hpp"
#include "store/operations/bootstrap.hpp"
#include "store/operations/difference.hpp"
#include "store/operations/ranking.hpp"
#include "store/operations/running_sum.hpp"
#include "store/operations/share.hpp"
#include "store/operations/together.hpp"

namespace explaind {
namespace {

/// The elements of a list that `rows` names, moved.
template <typename Element>
std::vector<Element> rows_of(std::vector<Element>& list, const std::vector<size_t>& rows) {
  std::vector<Element> kept;
  if (list.empty()) return kept;
  kept.reserve(rows.size());
  for (const size_t row : rows) kept.push_back(std::move(list[row]));
  return kept;
}

}  // namespace

void keep_rows(QueryResult& result, const std::vector<size_t>& rows) {
  result.keys = rows_of(result.keys, rows);
  result.values = rows_of(result.values, rows);
  result.errors = rows_of(result.errors, rows);
  result.low = rows_of(result.low, rows);
  result.high = rows_of(result.high, rows);
  result.counts = rows_of(result.counts, rows);
  for (std::vector<double>& each : result.drawings) each = rows_of(each, rows);
  if (!result.shape.empty()) result.shape = {static_cast<int64_t>(rows.size())};
  result.axes.clear();
}

QueryResult run(const StoreReader& store, const Query& query) {
  require_operations_together(query);
  BaseQuery base(store, query);
  QueryResult result = base.rows();
  if (!query.minus.empty() || query.minus_store != nullptr) {
    subtract_other(result, store, query);
  }
  if (!query.share.empty()) to_shares(result, base, query.share);
  if (query.cumulative) to_running_sums(result, base);
  if (query.bootstrap.times > 0) to_intervals(result, query.bootstrap);
  choose_rows(result, query);
  return result;
}

}  // namespace explaind
