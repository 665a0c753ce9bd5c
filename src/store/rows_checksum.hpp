#pragma once
// Checksums of what several ranks write of one tile.

#include <zlib.h>

#include <cstdint>
#include <vector>

namespace explaind {

/// The checksum of a run of bytes that lie together in a tile's order.
struct RowsChecksum {
  int64_t first = 0;  ///< where it begins: in any unit, the same for all runs that are combined
  int64_t bytes = 0;
  uLong crc = 0;
};

/// The checksum of the bytes so far and all runs in order; of_ranks: those of each rank.
uLong combined(uLong so_far, const std::vector<std::vector<RowsChecksum>>& of_ranks);

}  // namespace explaind
