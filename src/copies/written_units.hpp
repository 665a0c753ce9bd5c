#pragma once
// The units of a file, against the checksums that it holds of them.

#include <string>

#include "copies/unit_checksums.hpp"
#include "store/store_reader.hpp"
#include "verification/store_shape.hpp"

namespace explaind {

/// The next variable of the units: its first axis is the segment, perhaps the second the sample.
void begin_variable(const StoreReader& store, const std::string& name, UnitChecksums& sums);

/// The first committed unit whose bytes are not those of its checksum, in words; empty where there
/// is none. found: of all variables that units have.
std::string damaged_unit(const StoreReader& store, const StoreShape& shape,
                         const UnitChecksums& found);

}  // namespace explaind
