// Files in memory, and why one is not.

#include "checkpoint/mapped_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(MappedFile, HoldsTheBytesOfTheFile) {
  const TemporaryFolder folder;
  write_bytes(folder / "a", "bytes");
  const MappedFile file(folder / "a");
  EXPECT_EQ(file.path(), folder / "a");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()),
            "bytes");
  write_bytes(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
}

TEST(MappedFile, SaysWhatPreventsIt) {
  const TemporaryFolder folder;
  EXPECT_THAT(data_error([&] { MappedFile(folder / "none"); }),
              AllOf(HasSubstr((folder / "none").string()),
                    HasSubstr("cannot be opened: No such file or directory")));
  EXPECT_THAT(data_error([&] { MappedFile(folder.path()); }), HasSubstr("is not a regular file"));
}

/// Ends the process with 0 where the error is one of mapping.
[[noreturn]] void map_without_room(const fs::path& path) {
  const rlimit room{.rlim_cur = rlim_t{1} << 36, .rlim_max = rlim_t{1} << 36};
  if (setrlimit(RLIMIT_AS, &room) != 0) std::exit(2);
  try {
    const MappedFile file(path);
  } catch (const DataError& error) {
    std::exit(std::string(error.what()).find("cannot be mapped into memory") != std::string::npos
                  ? 0
                  : 3);
  }
  std::exit(4);
}

TEST(MappedFile, ThatMemoryHasNoRoomForIsRefused) {
  const TemporaryFolder folder;
  write_bytes(folder / "large", "");
  fs::resize_file(folder / "large", uintmax_t{1} << 40);
  EXPECT_EXIT(map_without_room(folder / "large"), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace explaind
