// Checksums of units from pieces of any shape, against zlib's over a unit's bytes.

#include "copies/unit_checksums.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "copies/pieces.hpp"

namespace explaind {
namespace {

using Shape = std::vector<hsize_t>;

struct Array {
  Shape shape;
  bool of_samples;
  size_t width;
  std::string bytes = {};

  Array(Shape extents, bool samples, size_t entry, unsigned seed)
      : shape(std::move(extents)), of_samples(samples), width(entry) {
    std::mt19937 random(seed);
    size_t size = width;
    for (const hsize_t length : shape) size *= length;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
  }

  [[nodiscard]] size_t segment_bytes() const { return bytes.size() / shape[0]; }
  /// As a tile has them.
  [[nodiscard]] std::string of(const Unit& unit) const {
    const auto segment = static_cast<size_t>(unit.segment);
    const std::string all = bytes.substr(segment * segment_bytes(), segment_bytes());
    if (!of_samples) return all;
    const size_t row = all.size() / shape[1];
    return all.substr(static_cast<size_t>(unit.sample_begin) * row,
                      static_cast<size_t>(unit.sample_end - unit.sample_begin) * row);
  }
  [[nodiscard]] std::string of(const hdf5::Slab& piece) const {
    std::string found;
    for (size_t i = 0; i < entries_of(piece); ++i) {
      size_t place = 0, rest = i, inner = 1;
      for (size_t axis = shape.size(); axis-- > 0;) {
        place += (piece.start[axis] + rest % piece.count[axis]) * inner;
        rest /= piece.count[axis];
        inner *= shape[axis];
      }
      found += bytes.substr(place * width, width);
    }
    return found;
  }
};

void expect_checksums(const UnitGrid& units, const std::vector<Array>& arrays, const Shape& chunk,
                      size_t most_bytes) {
  UnitChecksums sums(units);
  for (const Array& array : arrays) {
    sums.begin(array.shape, array.of_samples, array.width);
    std::vector<hdf5::Slab> pieces;
    Shape extents(chunk.begin(), chunk.begin() + static_cast<int64_t>(array.shape.size()));
    for (size_t axis = 0; axis < extents.size(); ++axis) {
      extents[axis] = std::min(extents[axis], array.shape[axis]);
    }
    for_each_piece(array.shape, extents, array.width, most_bytes,
                   [&](const hdf5::Slab& piece) { pieces.push_back(piece); });
    std::shuffle(pieces.begin(), pieces.end(), std::mt19937(7));
    for (const hdf5::Slab& piece : pieces) sums.add(piece, array.of(piece).data());
    sums.end();
  }
  for (int64_t index = 0; index < units.size(); ++index) {
    const Unit unit = units.unit(index);
    std::string tile;
    for (const Array& array : arrays) tile += array.of(unit);
    const uLong expected = crc32_z(0, reinterpret_cast<const Bytef*>(tile.data()), tile.size());
    ASSERT_EQ(sums.of(unit), expected) << index << " of " << units.size();
  }
}

TEST(UnitChecksums, AreThoseOfTilesWhateverThePiecesAre) {
  const std::vector<Array> arrays{
      {{3, 10, 6, 7}, true, 8, 1}, {{3, 10, 9}, true, 4, 2}, {{3, 10}, true, 1, 3}};
  for (const int64_t chunk : {1, 3, 4, 10, 64}) {
    const UnitGrid units(3, 10, chunk, true);
    for (const size_t bytes : {1, 500, 1 << 20}) {
      expect_checksums(units, arrays, {2, 4, 5, 2}, bytes);
      expect_checksums(units, arrays, {1, 1, 1, 1}, bytes);
    }
  }
}

TEST(UnitChecksums, OfASegmentAreOfAllItsRows) {
  const std::vector<Array> arrays{{{2, 3, 5, 4}, false, 8, 4},  // groups
                                  {{2, 10}, true, 8, 5},
                                  {{2}, false, 8, 6}};
  expect_checksums(UnitGrid(2, 10, 4, false), arrays, {2, 2, 3, 3}, 200);
}

}  // namespace
}  // namespace explaind
