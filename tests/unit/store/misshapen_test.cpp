// Stores that HDF5 takes for sound and whose datasets have other shapes than a store's: found by
// fuzzing (tests/fuzz/targets/store.cpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "store/query.hpp"
#include "store/store_reader.hpp"
#include "unit/store/query_fixture.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class Misshapen : public ::testing::Test {
 protected:
  TemporaryFile file;
  void SetUp() override { write_store(file.path(), small_schema({true, false, false})); }

  /// Puts another dataset in the place of one, with the same scales as far as it has axes. It holds
  /// nothing; in chunks it needs no room.
  void replace(const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
               const std::vector<std::string>& scales = {}) const {
    const hid_t opened = H5Fopen(file.path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(opened, 0);
    H5Ldelete(opened, name.c_str(), H5P_DEFAULT);
    const hid_t making = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space =
        shape.empty() ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const std::vector<hsize_t> chunk(shape.size(), 1);
    if (!shape.empty()) H5Pset_chunk(making, static_cast<int>(chunk.size()), chunk.data());
    const hid_t made =
        H5Dcreate2(opened, name.c_str(), type, space, H5P_DEFAULT, making, H5P_DEFAULT);
    ASSERT_GE(made, 0);
    for (unsigned axis = 0; axis < scales.size(); ++axis) {
      const hid_t scale = H5Dopen2(opened, scales[axis].c_str(), H5P_DEFAULT);
      EXPECT_GE(H5DSattach_scale(made, scale, axis), 0);
      H5Dclose(scale);
    }
    H5Dclose(made);
    H5Sclose(space);
    H5Pclose(making);
    H5Fclose(opened);
  }
  void by_kind() const { static_cast<void>(run(StoreReader(file.path()), grouped({"kind"}))); }
  /// The message names file and part, and has a remedy.
  void expect_refused(const std::string& problem) const {
    EXPECT_THAT([&] { by_kind(); },
                ThrowsMessage<DataError>(AllOf(HasSubstr(file.path().string()), HasSubstr(problem),
                                               HasSubstr("Copy the store again"))));
  }
};

TEST_F(Misshapen, MarksOfOtherUnitsAreRefused) {
  replace("committed", H5T_STD_I8LE, {3, 1}, {"segment", "sample"});
  expect_refused("committed has 3 marks, and psi has 15 units");
}

TEST_F(Misshapen, MarksOfFewerSegmentsAreRefused) {
  replace("committed", H5T_STD_I8LE, {2});
  expect_refused("committed has 2 marks, and psi has 3 units");
}

TEST_F(Misshapen, ACoordinateWithoutAnAxisIsNone) {
  replace("kind", H5T_STD_I32LE, {});
  EXPECT_THROW(by_kind(), UsageError);
}

TEST_F(Misshapen, ACoordinateOfOtherLengthIsRefused) {
  replace("step_to", H5T_STD_I32LE, {2}, {"segment"});
  expect_refused("step_to has 2 entries, and the axis segment has 3");
}

TEST_F(Misshapen, MoreThanTheFileCanHoldIsRefusedBeforeRoomIsMade) {
  replace("step_to", H5T_STD_I32LE, {hsize_t{1} << 40}, {"segment"});
  expect_refused("step_to says that it has 4.4e+12 bytes");
  const std::vector<hsize_t> beyond_any_integer(4, hsize_t{1} << 40);
  replace("step_to", H5T_STD_I32LE, beyond_any_integer, {"segment"});
  expect_refused("step_to says that it has");
}

TEST_F(Misshapen, TextsOfNoWidthAreEmptyAndAsMany) {
  const hid_t letter = H5Tcopy(H5T_C_S1);
  replace("kind", letter, {6, 0});
  H5Tclose(letter);
  EXPECT_THAT(StoreReader(file.path()).texts("kind"), SizeIs(6));
}

}  // namespace
}  // namespace explaind::testing
