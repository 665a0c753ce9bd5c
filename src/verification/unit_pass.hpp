#pragma once
// One reading of a unit's bytes, a few megabytes at a time.

#include <cstdint>
#include <string>
#include <vector>

#include "verification/store_shape.hpp"

namespace explaind {

/// What a unit's bytes add up to. R rows of psi, O outputs.
struct UnitSums {
  uint32_t checksum = 0;
  std::vector<double> scores, sizes;  ///< R O: Σ psi and Σ |psi| over components and positions
  /// Per tensor with scores of single scalars: R O, Σ and Σ |·| over its scalars.
  std::vector<std::vector<double>> scalars, scalar_sizes;
  int64_t past_end = 0;    ///< scores other than 0 at positions that a sample does not have
  int64_t not_finite = 0;  ///< NaN and infinite entries, less those that may be missing
  std::string first_not_finite = "";  ///< variable and entry
};

/// lengths: per sample, positions; empty where there are none. Throws DataError where the file
/// cannot be read.
UnitSums sums_of_unit(const StoreReader& store, const StoreShape& shape, const Unit& unit,
                      const std::vector<int64_t>& lengths);

/// Where a unit lies in a variable: its segment, its samples where the variable has them, all else.
struct UnitPlace {
  std::vector<int64_t> start, count;
};
UnitPlace place_of(const StoredVariable& variable, const Unit& unit);

}  // namespace explaind
