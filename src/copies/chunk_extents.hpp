#pragma once
// The shape of the pieces in which a compressed array is stored.

#include <cstdint>
#include <vector>

namespace explaind {

inline constexpr uint64_t largest_chunk = uint64_t{256} << 10;  ///< bytes

/// Near-cubic: as many entries along every axis, where it is long enough, so that a slice along any
/// of them reads few chunks. At most largest_chunk bytes; an axis's chunks are of about one length.
/// width: bytes of an entry. shape: no axis is empty.
std::vector<uint64_t> chunk_extents(const std::vector<uint64_t>& shape, uint64_t width);

}  // namespace explaind
