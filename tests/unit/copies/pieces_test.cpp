// An array in pieces: every entry once, whole chunks, no more than memory allows.

#include "copies/pieces.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace explaind {
namespace {

using Shape = std::vector<hsize_t>;

/// How often each entry is visited, by its place in row-major order.
std::map<hsize_t, int> visits(const Shape& shape, const Shape& chunk, size_t most_bytes) {
  std::map<hsize_t, int> count;
  for_each_piece(shape, chunk, 8, most_bytes, [&](const hdf5::Slab& piece) {
    EXPECT_LE(entries_of(piece) * 8, most_bytes);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      EXPECT_EQ(piece.start[axis] % chunk[axis], 0U) << "a chunk is cut";
      const hsize_t end = piece.start[axis] + piece.count[axis];
      EXPECT_TRUE(end % chunk[axis] == 0 || end == shape[axis]) << "a chunk is cut";
    }
    for (size_t i = 0; i < entries_of(piece); ++i) {
      hsize_t place = 0, rest = i, inner = 1;
      Shape index(shape.size());
      for (size_t axis = shape.size(); axis-- > 0;) {
        index[axis] = piece.start[axis] + rest % piece.count[axis];
        rest /= piece.count[axis];
        place += index[axis] * inner;
        inner *= shape[axis];
      }
      ++count[place];
    }
  });
  return count;
}

TEST(Pieces, HoldEveryEntryOnceInWholeChunks) {
  for (const size_t bytes : {8 * 24, 8 * 100, 8 * 1000, 1 << 20}) {
    const std::map<hsize_t, int> count = visits({5, 7, 11}, {2, 3, 4}, bytes);
    ASSERT_EQ(count.size(), 5U * 7 * 11) << bytes;
    for (const auto& [place, times] : count) ASSERT_EQ(times, 1) << place;
  }
}

TEST(Pieces, AreAtLeastOneChunkAndOfAScalarOne) {
  int pieces = 0;
  for_each_piece({4, 4}, {2, 2}, 8, 1, [&](const hdf5::Slab& piece) {
    EXPECT_EQ(piece.count, (Shape{2, 2}));
    ++pieces;
  });
  EXPECT_EQ(pieces, 4);
  for_each_piece({}, {}, 8, 64, [&](const hdf5::Slab& piece) {
    EXPECT_EQ(entries_of(piece), 1U);
    ++pieces;
  });
  EXPECT_EQ(pieces, 5);
  for_each_piece({3, 0}, {}, 8, 64, [&](const hdf5::Slab&) { ++pieces; });
  EXPECT_EQ(pieces, 5) << "nothing is there";
}

}  // namespace
}  // namespace explaind
