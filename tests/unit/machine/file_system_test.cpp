// Kinds of file systems, and what is said of a store there.

#include "machine/file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace explaind::testing {
namespace {

using ::testing::HasSubstr;

TEST(FileSystem, SharedOnesAreToldApartFromANodesOwn) {
  const FileSystem lustre = file_system_of_type(0x0BD00BD0), ext4 = file_system_of_type(0xEF53);
  EXPECT_THAT(words_of(lustre, 2), HasSubstr("Lustre, which nodes share; "));
  EXPECT_THAT(words_of(lustre, 2), HasSubstr("lfs setstripe"));
  EXPECT_EQ(words_of(ext4, 1), "ext4, of this machine alone");
  EXPECT_THAT(words_of(ext4, 3), HasSubstr("ranks are on 3: give a folder that all of them share"));
  EXPECT_THAT(words_of(file_system_of_type(0x6969), 2), HasSubstr("moved whole"));
  EXPECT_THAT(words_of(file_system_of_type(0x19830326), 1), HasSubstr("BeeGFS"));
}

TEST(FileSystem, NumbersOfMoreThan31BitsMayComeNegative) {
  EXPECT_EQ(file_system_of_type(static_cast<int>(0xFE534D42)).name, "SMB");
  EXPECT_EQ(file_system_of_type(0x9123683E).name, "Btrfs");
}

TEST(FileSystem, OfUnknownKindsNothingIsSaid) {
  EXPECT_EQ(words_of(file_system_of_type(1), 2), "");
  EXPECT_FALSE(worth_a_note(file_system_of_type(1), 2));
}

TEST(FileSystem, OnlyRanksOnSeveralMachinesAreWarned) {
  EXPECT_FALSE(worth_a_note(file_system_of_type(0xEF53), 1));
  EXPECT_TRUE(worth_a_note(file_system_of_type(0xEF53), 2));
  EXPECT_FALSE(worth_a_note(file_system_of_type(0x47504653), 2)) << "nothing to be said of GPFS";
  EXPECT_TRUE(worth_a_note(file_system_of_type(0x6969), 2));
}

TEST(FileSystem, OfAFileThatIsNotThereIsThatOfTheFolderAbove) {
  EXPECT_EQ(file_system_of("/dev/shm/none/none.h5").name, "tmpfs");
  EXPECT_EQ(file_system_of("/dev/shm").name, "tmpfs");
  EXPECT_NE(file_system_of("/proc/none").name, "tmpfs");
}

}  // namespace
}  // namespace explaind::testing
