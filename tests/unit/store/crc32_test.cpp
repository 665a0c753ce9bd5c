#include "store/crc32.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <vector>

namespace explaind {
namespace {

TEST(Crc32, IsZlibsAtEveryLengthAlignmentAndState) {
  std::mt19937 engine(1);
  std::vector<unsigned char> bytes(1100);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(engine());
  for (size_t first = 0; first < 20; ++first) {
    for (size_t length = 0; first + length <= bytes.size(); length += length < 300 ? 1 : 37) {
      const auto state = static_cast<uint32_t>(engine());
      for (const uint32_t so_far : {uint32_t{0}, state}) {
        ASSERT_EQ(crc32_of(so_far, bytes.data() + first, length),
                  crc32_z(so_far, bytes.data() + first, length))
            << "bytes " << first << " + " << length << ", state " << so_far;
      }
    }
  }
}

TEST(Crc32, OfTheStandardsCheckString) { EXPECT_EQ(crc32_of(0, "123456789", 9), 0xcbf43926U); }

}  // namespace
}  // namespace explaind
