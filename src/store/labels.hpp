#pragma once
// What names the entries of a store's dimensions (layout.md): known when the store is made.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "store/influence_store.hpp"

namespace explaind {

/// A coordinate: numbers or texts along a dimension, the dimension's own where it has its name.
struct Labels {
  std::string name, dim, long_name;
  std::variant<std::vector<int64_t>, std::vector<std::string>> values;
};

/// All of a store's, the labels of a dimension before its other coordinates.
std::vector<Labels> labels_of(const StoreSchema& schema);

/// The coordinates along these dimensions that are not a dimension's own labels, separated by
/// blanks: the attribute `coordinates`, without which xarray takes them for variables.
std::string coordinates_along(const std::vector<Labels>& labels,
                              const std::vector<std::string>& dims);

/// Throws DataError for a label that holds a NUL: stored texts end there.
void require_storable(const std::vector<Labels>& labels);

}  // namespace explaind
