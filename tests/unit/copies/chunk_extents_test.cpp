// Shapes of chunks: near-cubic, small enough, and of about one length along an axis.

#include "copies/chunk_extents.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

namespace explaind {
namespace {

using Extents = std::vector<uint64_t>;

uint64_t entries(const Extents& extents) {
  return std::accumulate(extents.begin(), extents.end(), uint64_t{1}, std::multiplies<>());
}

TEST(ChunkExtents, AreCubesWhereAllAxesAreLong) {
  EXPECT_EQ(chunk_extents({320, 3200, 32000}, 8), (Extents{32, 32, 32}));
  EXPECT_EQ(chunk_extents({1 << 20, 1 << 20}, 4), (Extents{256, 256}));
  EXPECT_EQ(chunk_extents({1 << 20}, 1), (Extents{1 << 18}));
}

TEST(ChunkExtents, GiveToLongAxesWhatShortOnesDoNotTake) {
  EXPECT_EQ(chunk_extents({2, 3, 100}, 8), (Extents{2, 3, 100}));
  EXPECT_EQ(chunk_extents({2, 1 << 14, 1 << 14}, 8), (Extents{2, 128, 128}));
  EXPECT_EQ(chunk_extents({1 << 14, 2, 1 << 14}, 8), (Extents{128, 2, 128}));
}

TEST(ChunkExtents, DivideAnAxisEvenly) {
  // 33 entries in chunks of 32 would leave one with a single entry.
  EXPECT_EQ(chunk_extents({33, 3200, 3200}, 8).front(), 17U);
}

TEST(ChunkExtents, AreNeverTooLargeNorLongerThanTheAxis) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 2000; ++trial) {
    Extents shape(1 + random() % 6);
    for (uint64_t& length : shape) length = 1 + random() % (uint64_t{1} << (random() % 16));
    const uint64_t width = uint64_t{1} << (random() % 4);
    const Extents chunk = chunk_extents(shape, width);
    ASSERT_EQ(chunk.size(), shape.size());
    ASSERT_LE(entries(chunk) * width, largest_chunk);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      ASSERT_GE(chunk[axis], 1U);
      ASSERT_LE(chunk[axis], shape[axis]);
    }
    // Nor much smaller than they may be.
    ASSERT_GE(entries(chunk) * width * (uint64_t{1} << shape.size()) * 2,
              std::min(largest_chunk, entries(shape) * width));
  }
}

}  // namespace
}  // namespace explaind
