#pragma once
// How alike entries of an axis are by their scores.

#include <string>

#include "store/query.hpp"

namespace explaind {

/// Cosine similarity of every two entries of `axis` (samples, say), each a vector of scores over
/// what stays of the other axes: `group_by` names its coordinates, or all axes but those in `sum`
/// and `mean`. Entries that are not committed for one of the two are left out of both; NaN where a
/// vector is 0.
///
/// A row per ordered pair, first entry slowest, shape n n; with `top` the most alike of the pairs
/// of two different entries, each once. `absolute` as in run(). Throws UsageError where the
/// variable has no such axis, or where group_by names a coordinate of it.
QueryResult similarity(const StoreReader& store, const Query& query, const std::string& axis);

}  // namespace explaind
