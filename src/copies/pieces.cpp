#include "copies/pieces.hpp"

#include <algorithm>
#include <numeric>

namespace explaind {
namespace {

/// Grown from one chunk along the last axes first, so that a piece lies together in the file.
std::vector<hsize_t> extents_of(const std::vector<hsize_t>& shape, std::vector<hsize_t> piece,
                                size_t width, size_t most_bytes) {
  size_t bytes = std::accumulate(piece.begin(), piece.end(), width, std::multiplies<>());
  for (size_t axis = shape.size(); axis-- > 0;) {
    const hsize_t chunks = std::max<hsize_t>(1, most_bytes / bytes);
    const hsize_t grown = std::min(shape[axis], piece[axis] * chunks);
    bytes = bytes / piece[axis] * grown;
    piece[axis] = grown;
    if (grown < shape[axis]) break;
  }
  return piece;
}

}  // namespace

void for_each_piece(const std::vector<hsize_t>& shape, const std::vector<hsize_t>& chunk,
                    size_t width, size_t most_bytes,
                    const std::function<void(const hdf5::Slab&)>& visit) {
  if (std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end()) return;
  const std::vector<hsize_t> extents = extents_of(
      shape, chunk.empty() ? std::vector<hsize_t>(shape.size(), 1) : chunk, width, most_bytes);
  hdf5::Slab piece{std::vector<hsize_t>(shape.size(), 0), extents};
  for (;;) {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      piece.count[axis] = std::min(extents[axis], shape[axis] - piece.start[axis]);
    }
    visit(piece);
    size_t axis = shape.size();
    while (axis > 0) {
      piece.start[axis - 1] += extents[axis - 1];
      if (piece.start[axis - 1] < shape[axis - 1]) break;
      piece.start[axis - 1] = 0;
      --axis;
    }
    if (axis == 0) return;
  }
}

size_t entries_of(const hdf5::Slab& slab) {
  return std::accumulate(slab.count.begin(), slab.count.end(), size_t{1},
                         [](size_t a, hsize_t b) { return a * b; });
}

}  // namespace explaind
