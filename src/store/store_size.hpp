#pragma once
// How large a store is, by its schema alone.

#include <cstdint>
#include <vector>

#include "store/influence_store.hpp"
#include "store/labels.hpp"
#include "store/layout.hpp"
#include "store/netcdf_file.hpp"

namespace explaind {

/// Every variable that units fill, the small ones first: a reader of one row needs these.
std::vector<Variable> unit_filled_variables(const StoreSchema& schema);

/// What is kept together at the front of the file. Coefficients measured on stores of all shapes
/// (round_trip_test holds that all of it suffices).
FrontRoom front_room(const StoreSchema& schema, const std::vector<Labels>& labels);

/// Bytes of the whole file, within some ten kilobytes. A schema without provenance counts as one
/// with that of a usual run.
uint64_t store_bytes(const StoreSchema& schema);

}  // namespace explaind
