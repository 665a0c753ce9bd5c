#pragma once
// What the rows of a query are made of.

#include "store/query.hpp"
#include "store/query_axes.hpp"

namespace explaind {

/// The axes along which entries share rows; samples also where every row has one of them. Their
/// least and most are left at 0. spread: the axis of samples where their spread is asked for.
Statement row_statement(const StoreReader& store, const StoredVariable& variable,
                        const Query& query, const QueryAxes& asked, const QueryAxis* spread);

}  // namespace explaind
