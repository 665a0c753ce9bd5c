#pragma once
// An array gone through by pieces that fit memory, each chunk in one of them.

#include <cstdint>
#include <functional>
#include <vector>

#include "store/hdf5.hpp"

namespace explaind {

/// Calls `visit` for pieces of the array, row-major, that together are all of it: whole chunks, as
/// many as `most_bytes` holds, at least one. chunk: extents; empty: any piece will do. width: bytes
/// of an entry. An array without axes is one piece.
void for_each_piece(const std::vector<hsize_t>& shape, const std::vector<hsize_t>& chunk,
                    size_t width, size_t most_bytes,
                    const std::function<void(const hdf5::Slab&)>& visit);

/// Entries of a slab.
size_t entries_of(const hdf5::Slab& slab);

}  // namespace explaind
