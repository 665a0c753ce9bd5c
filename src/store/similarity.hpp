#pragma once
// How alike entries of an axis are by their scores.

#include <string>

#include "store/query.hpp"

namespace explaind {

/// cosine of the angle between two vectors; correlation (Pearson's): of what is left when each has
/// lost its mean.
enum class Measure { cosine, correlation };

/// Similarity of every two entries of `of`, an axis (sample, say) or a coordinate (kind, group,
/// step_to: then of what shares its value), each a vector of scores over what stays of the other
/// axes: `group_by` names its coordinates, or all axes but those in `sum` and `mean`. Entries that
/// are not committed for one of the two are left out of both; NaN where a vector is 0, or of
/// correlations constant.
///
/// A row per ordered pair, first entry slowest, shape n n. With `top` or `highest` the most alike
/// of the pairs of two different entries, each once, with `lowest` the least alike. `absolute` as
/// in run(). Throws UsageError where the variable has nothing of the name, where group_by names a
/// coordinate of its axis, and for what is done with rows.
QueryResult similarity(const StoreReader& store, const Query& query, const std::string& of,
                       Measure measure = Measure::cosine);

}  // namespace explaind
