#include "claims/own_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <vector>

#include "core/error.hpp"
#include "unit/claims/other_process.hpp"
#include "unit/failing_disk.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using testing::FailingDisk;
using ::testing::HasSubstr;
using testing::OtherProcess;
using testing::TemporaryFolder;

OwnFolder::Wanted wanted(const fs::path& path, bool overwrite = false) {
  return {.path = path,
          .what = "series",
          .overwrite = overwrite,
          .keeps = {},
          .entries = {"all.json"},
          .writes =
              [](const fs::path& relative) {
                return relative == "all.json" || relative == "step-1" ||
                       relative == "step-1/weights" || relative == "step-2";
              },
          .known_otherwise = {}};
}

/// A folder that was filled and closed.
void fill(const fs::path& path) {
  const OwnFolder folder(wanted(path));
  folder.add("step-1");
  fs::create_directory(path / "step-1");
  std::ofstream(path / "step-1/weights") << "w";
  std::ofstream(path / "all.json") << "{}";
}

std::string refusal(const OwnFolder::Wanted& asked) {
  try {
    const OwnFolder folder(asked);
  } catch (const DataError& error) {
    return error.what();
  }
  return "made";
}

TEST(OwnFolder, LeavesNothingWhereNothingCame) {
  const TemporaryFolder folder;
  { const OwnFolder made(wanted(folder / "a/b")); }
  EXPECT_FALSE(fs::exists(folder / "a/b"));
  fs::create_directory(folder / "c");
  { const OwnFolder made(wanted(folder / "c")); }
  EXPECT_TRUE(fs::is_empty(folder / "c")) << "it was there before";
}

TEST(OwnFolder, OnAFullDiskSaysWhyAndLeavesNothing) {
  const TemporaryFolder folder;
  long calls = 0;
  {
    const FailingDisk disk("full", FailingDisk::never, EDQUOT);
    ASSERT_EQ(refusal(wanted(folder / "full")), "made");
    calls = disk.calls();
  }
  EXPECT_GE(calls, 6) << "the folder, its lock and its list";
  for (long at = 1; at <= calls; ++at) {
    const FailingDisk disk("full", at, EDQUOT);
    // That a lock file which is removed already cannot be closed is no loss.
    EXPECT_THAT(refusal(wanted(folder / "full")), AnyOf(HasSubstr("Disk quota exceeded"), "made"))
        << at;
    EXPECT_TRUE(fs::is_empty(folder.path())) << at;
  }
}

TEST(OwnFolder, IsReplacedWhenAskedAndOwn) {
  const TemporaryFolder folder;
  fill(folder / "a");
  EXPECT_THAT(refusal(wanted(folder / "a")), HasSubstr("--overwrite"));
  EXPECT_TRUE(fs::exists(folder / "a/step-1/weights"));
  EXPECT_EQ(refusal(wanted(folder / "a", true)), "made");
  EXPECT_FALSE(fs::exists(folder / "a/step-1"));
}

TEST(OwnFolder, LosesNothingThatIsNotThisPrograms) {
  const std::vector<std::function<void(const fs::path&)>> strangers{
      [](const fs::path& path) { std::ofstream(path / "notes.txt") << "n"; },
      [](const fs::path& path) { std::ofstream(path / "step-1/notes.txt") << "n"; },
      [](const fs::path& path) {
        fs::create_directory(path / "step-2");
      },  // of its form, not its own
      [](const fs::path& path) {
        fs::remove(path / "step-1/weights");
        fs::create_symlink("/etc/hostname", path / "step-1/weights");
      },
      [](const fs::path& path) { fs::remove(path / own_list); },
      [](const fs::path& path) { std::ofstream(path / own_list) << "explaind run\nstep-1\n"; },
      [](const fs::path& path) { std::ofstream(path / own_list) << "explaind series\nstep-1"; }};
  for (size_t i = 0; i < strangers.size(); ++i) {
    const TemporaryFolder folder;
    fill(folder / "a");
    strangers[i](folder / "a");
    EXPECT_THAT(refusal(wanted(folder / "a", true)), HasSubstr("--overwrite does not remove it"))
        << i;
    EXPECT_TRUE(fs::exists(folder / "a/all.json"))
        << i << ": nothing is removed before all is seen";
    EXPECT_TRUE(fs::exists(folder / "a/step-1/weights")) << i;
  }
}

TEST(OwnFolder, ALinkToAFolderStaysALink) {
  const TemporaryFolder folder;
  fill(folder / "a");
  fs::create_directory_symlink(folder / "a", folder / "link");
  EXPECT_EQ(refusal(wanted(folder / "link", true)), "made");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_FALSE(fs::exists(folder / "a/step-1"));
}

TEST(OwnFolder, OfTwoAtOnceTheSecondIsRefused) {
  const TemporaryFolder folder;
  OtherProcess other([&] { return std::make_unique<OwnFolder>(wanted(folder / "a")); });
  ASSERT_TRUE(other.worked());
  EXPECT_THAT(refusal(wanted(folder / "a", true)), HasSubstr("in use"));
  EXPECT_TRUE(fs::exists(folder / "a" / own_list));
}

TEST(OwnFolder, WhetherItIsKeptIsAskedUnderTheClaim) {
  const TemporaryFolder folder;
  fill(folder / "a");
  OwnFolder::Wanted asked = wanted(folder / "a");
  bool claimed = false;
  asked.keeps = [&] {
    claimed = fs::exists(folder / "a/.lock");
    return true;
  };
  EXPECT_EQ(refusal(asked), "made");
  EXPECT_TRUE(claimed && fs::exists(folder / "a/step-1/weights"));
}

}  // namespace
}  // namespace explaind
