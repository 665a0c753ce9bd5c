#pragma once
// A hyperslab read a part at a time.

#include <cstddef>
#include <vector>

#include "store/hdf5.hpp"

namespace explaind::hdf5 {

/// The slab cut into parts of at most so many bytes (or one entry), in the order of its bytes.
/// width: of an entry.
std::vector<Slab> pieces_of(const Slab& slab, size_t width, size_t most_bytes);

}  // namespace explaind::hdf5
