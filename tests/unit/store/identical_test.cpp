// The same scores are the same bytes, in every run and from the first program on that wrote this
// form of the layout: a change here is a change of layout, or adds to it.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "store/crc32.hpp"
#include "store/hdf5.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

uint32_t bytes_of(const Axes& axes, bool single_precision) {
  const TemporaryFile file;
  write_store(file.path(), small_schema(axes, single_precision));
  std::ifstream in(file.path(), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return crc32_of(0, bytes.data(), bytes.size());
}

TEST(StoreBytes, AreThoseOfTheLayout) {
  // Recorded with HDF5 1.10.8 from the first program that wrote checksums of labels too.
  if (H5_VERS_MAJOR != 1 || H5_VERS_MINOR != 10 || H5_VERS_RELEASE != 8) {
    GTEST_SKIP() << "another HDF5 lays files out differently";
  }
  EXPECT_EQ(bytes_of({true, false, false}, false), 330961861U);
  EXPECT_EQ(bytes_of({true, false, true}, false), 454338033U);
  EXPECT_EQ(bytes_of({false, true, false}, true), 3579661306U);
  EXPECT_EQ(bytes_of({false, false, false}, false), 131341979U);
}

}  // namespace
}  // namespace explaind::testing
