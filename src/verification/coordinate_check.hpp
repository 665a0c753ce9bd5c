#pragma once
// What names a store's entries: in order, and nothing twice.

#include "store/store_reader.hpp"
#include "verification/check.hpp"

namespace explaind {

/// Steps ascend and segments do not overlap; ids of samples and names of components are there once;
/// every dimension is as long as when the store was made.
void check_coordinates(const StoreReader& store, Check& check);

}  // namespace explaind
