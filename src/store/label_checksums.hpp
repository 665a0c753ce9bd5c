#pragma once
// CRC-32 of a store's labels and other coordinates: what the units' own checksums do not cover.

#include <map>
#include <string>
#include <vector>

#include "store/labels.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// The root attribute in which they stand: "step_from 1a2b3c4d step_to …".
inline constexpr const char* label_checksums_attribute = "label_checksums";

/// That text for a store that is made.
std::string label_checksums(const std::vector<Labels>& labels);

/// By name what the store says of its labels; none where it was made before it said so.
std::map<std::string, std::string> stored_label_checksums(const StoreReader& store);

/// Of the labels as they are read now: numbers in decimal and texts, each with a NUL behind it, so
/// that it is the same however a copy of the file keeps them. Throws DataError.
std::string label_checksum(const StoreReader& store, const std::string& name);

}  // namespace explaind
