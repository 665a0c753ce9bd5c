#pragma once
// Checksums of what several ranks write of one tile.

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace explaind {

/// The checksum of a run of bytes that lie together in a tile's order.
struct RowsChecksum {
  int64_t first = 0;  ///< where it begins: in any unit, the same for all runs that are combined
  int64_t bytes = 0;
  uLong crc = 0;
};

/// As the ranks send them to each other.
void append(std::string& text, const RowsChecksum& run);

/// The checksum of the bytes so far and all runs in order; of_ranks: those that each rank appended.
uLong combined(uLong so_far, const std::vector<std::string>& of_ranks);

}  // namespace explaind
