#pragma once
// Two selections of a store, or two stores, one less the other.

#include "store/query.hpp"

namespace explaind {

/// Subtracts from every row the row with the same coordinates of the same question put to
/// `minus_store`, with the selections in `minus` in place of those of the same name. Rows without a
/// partner are left out, with `whole` NaN; a note counts them.
///
/// Throws UsageError where the two have other coordinates or no row in common, DataError where the
/// other store explains another functional or has another unit.
void subtract_other(QueryResult& result, const StoreReader& store, const Query& query);

}  // namespace explaind
