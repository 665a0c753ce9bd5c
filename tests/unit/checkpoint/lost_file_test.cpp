// A file that is cut short after it was mapped ends its reader with a message that names it.

#include "checkpoint/lost_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "checkpoint/mapped_file.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TemporaryFolder;
using testing::write_bytes;

constexpr size_t page = 4096;

void read_all(const MappedFile& file) {
  unsigned sum = 0;
  for (const std::byte each : file.bytes()) sum += static_cast<unsigned>(each);
  std::exit(sum == 0 ? 3 : 4);  // it was all there
}

/// Of four pages the last three are cut off between mapping and reading.
void read_a_file_that_shrinks(const fs::path& path) {
  name_lost_files();
  const MappedFile file(path);
  fs::resize_file(path, page);
  read_all(file);
}

TEST(LostFileDeathTest, IsNamedAndTheExitCodeIsThatOfBadData) {
  const TemporaryFolder folder;
  const fs::path path = folder / "model with blanks.safetensors";
  write_bytes(path, std::string(4 * page, 'x'));
  EXPECT_EXIT(read_a_file_that_shrinks(path), ::testing::ExitedWithCode(1),
              AllOf(StartsWith("error: " + path.string() + ": was cut short"),
                    HasSubstr("start it again\n")));
}

/// As the program's own handler of fatal signals, which speaks of a fault of the program.
void speak_of_another(int /*signal*/) { std::_Exit(7); }

TEST(LostFileDeathTest, BusErrorsOfOtherMemoryGoToTheHandlerBefore) {
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, speak_of_another);
        name_lost_files();
        std::raise(SIGBUS);  // no access that would be made again
        std::raise(SIGBUS);
        std::exit(0);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace explaind
