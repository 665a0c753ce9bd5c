#include "store/slab_pieces.hpp"

#include <algorithm>
#include <utility>

namespace explaind::hdf5 {

std::vector<Slab> pieces_of(const Slab& slab, size_t width, size_t most_bytes) {
  size_t size = width;
  for (const hsize_t count : slab.count) size *= count;
  const auto longest =
      std::find_if(slab.count.begin(), slab.count.end(), [](hsize_t n) { return n > 1; });
  if (size <= most_bytes || longest == slab.count.end()) return {slab};
  const auto axis = static_cast<size_t>(longest - slab.count.begin());
  std::vector<Slab> pieces;
  Slab half = slab;
  half.count[axis] = slab.count[axis] / 2;
  for (hsize_t done = 0; done < slab.count[axis]; done += half.count[axis]) {
    if (done > 0) half.count[axis] = slab.count[axis] - done;
    half.start[axis] = slab.start[axis] + done;
    for (Slab& piece : pieces_of(half, width, most_bytes)) pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace explaind::hdf5
