// One run at a time, under flock and with marks in a folder alike.

#include "claims/path_claim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "core/unfinished.hpp"
#include "unit/claims/other_process.hpp"
#include "unit/failing_disk.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using testing::FailingDisk;
using ::testing::HasSubstr;
using testing::OtherProcess;
using testing::TemporaryFolder;
using ::testing::ThrowsMessage;
namespace fs = std::filesystem;

std::string refusal(const fs::path& path) {
  try {
    PathClaim::take(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "taken";
}

auto taking(const fs::path& path) {
  return [path] { return PathClaim::take(path); };
}

/// false: flock is switched off, so marks are used.
class Claims : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  }
  void TearDown() override { unsetenv("HDF5_USE_FILE_LOCKING"); }
  TemporaryFolder folder;
};

TEST_P(Claims, HaveOneHolderAndNameIt) {
  const fs::path path = folder / "a.h5";
  OtherProcess other(taking(path));
  ASSERT_TRUE(other.worked());
  EXPECT_THAT(refusal(path),
              AllOf(HasSubstr(path.string()), HasSubstr("in use"), HasSubstr("process ")));
  other.finish();
  EXPECT_EQ(refusal(path), "taken");
  EXPECT_TRUE(fs::is_empty(folder.path())) << "nothing stays";
}

TEST_P(Claims, AreOfFilesNotOfTheirNames) {
  fs::create_directory(folder / "real");
  fs::create_directory_symlink(folder / "real", folder / "link");
  fs::create_symlink(folder / "real/a.h5",
                     folder / "b.h5");  // leads to a file that is not there yet
  OtherProcess other(taking(folder / "real/a.h5"));
  for (const char* name : {"link/a.h5", "real/../real/./a.h5", "b.h5"}) {
    EXPECT_THAT(refusal(folder / name), HasSubstr("in use")) << name;
  }
  EXPECT_EQ(refusal(folder / "real/b.h5"), "taken");
}

TEST_P(Claims, LastUntilAllOfTheRunHaveEnded) {
  const fs::path path = folder / "a.h5";
  auto first = std::make_unique<PathClaim>(PathClaim::take(path));
  const std::string owner = first->owner();
  OtherProcess second([&] { return PathClaim::join(path, owner); });
  ASSERT_TRUE(second.worked());
  first.reset();
  EXPECT_THAT(refusal(path), HasSubstr("in use"));
  second.finish();
  EXPECT_EQ(refusal(path), "taken");
}

TEST_P(Claims, NobodyJoinsAnotherRun) {
  const PathClaim own = PathClaim::take(folder / "a.h5");
  OtherProcess other([&] { return PathClaim::join(folder / "a.h5", "node-1-0123456789abcdef"); });
  EXPECT_FALSE(other.worked());
}

TEST_P(Claims, OfAFolderThatThisMachineDoesNotSeeNameBothMachines) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  EXPECT_THAT([&] { PathClaim::join(folder / "a.h5", "far-node-1-0123456789abcdef"); },
              ThrowsMessage<DataError>(AllOf(
                  HasSubstr("a.h5.lock: this run has made it on far-node,"),
                  HasSubstr(std::string("on ") + host.data()), HasSubstr("that all nodes share"))));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_P(Claims, OfKilledRunsAreTakenAndTheirUnfinishedFilesGo) {
  const fs::path path = folder / "a.h5";
  std::ofstream(folder / "a.h5.notes") << "mine";
  std::ofstream(folder / "a.h5.tmp") << "mine too";
  OtherProcess other([&] {
    auto claim = PathClaim::take(path);
    std::ofstream(unfinished_path(path)) << "half";
    fs::create_directory(path.string() + "." + process_tag() + ".steps");
    std::ofstream(path.string() + "." + process_tag() + ".steps/step-1") << "x";
    return claim;
  });
  ASSERT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 5);
  other.kill_it();
  EXPECT_EQ(refusal(path), "taken");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2) << "the user's files stay";
}

TEST_P(Claims, LeaveNothingOnAFullDisk) {
  const fs::path path = folder / "a.h5";
  long calls = 0;
  {
    const FailingDisk disk("a.h5.lock", FailingDisk::never, ENOSPC);
    ASSERT_EQ(refusal(path), "taken");
    calls = disk.calls();
  }
  EXPECT_GE(calls, 4) << "made, written and closed";
  for (long at = 1; at <= calls; ++at) {
    const FailingDisk disk("a.h5.lock", at, ENOSPC);
    // That a file which is removed already cannot be closed is no loss.
    EXPECT_THAT(refusal(path), AnyOf(HasSubstr("No space left on device"), "taken")) << at;
    EXPECT_TRUE(fs::is_empty(folder.path())) << at;
  }
}

TEST_P(Claims, OfKilledRunsAreStillKnownAfterAFullDisk) {
  const fs::path path = folder / "a.h5";
  OtherProcess other([&] {
    auto claim = PathClaim::take(path);
    std::ofstream(unfinished_path(path)) << "half";
    return claim;
  });
  ASSERT_TRUE(other.worked());
  other.kill_it();
  {
    const FailingDisk disk("a.h5.lock", 2, ENOSPC);
    EXPECT_THAT(refusal(path), HasSubstr("No space left on device"));
  }
  EXPECT_EQ(refusal(path), "taken");
  EXPECT_TRUE(fs::is_empty(folder.path())) << "what the killed run left goes with it";
}

TEST_P(Claims, ThatAnotherRunHasTakenAreNoLongerHeld) {
  const fs::path path = folder / "a.h5", lock = folder / "a.h5.lock";
  const PathClaim claim = PathClaim::take(path);
  EXPECT_NO_THROW(claim.require_held());
  const fs::path mark = GetParam() ? lock : lock / process_tag();
  std::string text = read_claim_text(mark);
  text.replace(text.find(process_tag()), process_tag().size(), "node-1-0123456789abcdef");
  if (GetParam()) {
    std::ofstream(lock) << text;
  } else {
    fs::remove(mark);
    std::ofstream(lock / "node-1-0123456789abcdef") << text;
  }
  EXPECT_THAT([&] { claim.require_held(); },
              ::testing::ThrowsMessage<DataError>(HasSubstr("another run has taken it")));
}

TEST_P(Claims, ThatCannotBeJoinedLeaveNoMark) {
  const fs::path path = folder / "a.h5";
  OtherProcess owner([&] { return PathClaim::take(path); });
  ASSERT_TRUE(owner.worked());
  const auto count = [&] {
    return std::distance(fs::recursive_directory_iterator(folder.path()), {});
  };
  const auto before = count();
  {
    const FailingDisk disk("a.h5.lock", 2, ENOSPC);
    EXPECT_ANY_THROW(PathClaim::join(path, "node-1-0123456789abcdef"));
  }
  EXPECT_EQ(count(), before);
}

TEST_P(Claims, OfFoldersLieInThem) {
  OtherProcess other(taking(folder.path()));
  EXPECT_THAT(refusal(folder.path()), HasSubstr(folder.path().string() + ": is in use"));
  other.finish();
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_P(Claims, LeaveForeignFilesAlone) {
  std::ofstream(folder / "a.h5.lock") << "somebody's notes";
  EXPECT_THAT(refusal(folder / "a.h5"), HasSubstr("no lock file of this program"));
  fs::create_directory(folder / "b.h5.lock");
  std::ofstream(folder / "b.h5.lock/notes.txt") << "somebody's notes";
  EXPECT_THAT(refusal(folder / "b.h5"), HasSubstr("notes.txt: is no mark"));
  EXPECT_TRUE(fs::exists(folder / "a.h5.lock") && fs::exists(folder / "b.h5.lock/notes.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
}

TEST_P(Claims, SayWhereTheFolderIsMissing) {
  EXPECT_THAT(refusal(folder / "none/a.h5"), HasSubstr("no such directory"));
}

TEST_P(Claims, OfManyThatComeAtOnceOneWins) {
  const fs::path path = folder / "a.h5";
  constexpr int rounds = 20, runs = 4;
  for (int round = 0; round < rounds; ++round) {
    // All try as soon as the file `go` is there, and keep what they have until the test ends.
    const fs::path go = folder / ("go" + std::to_string(round)), won = folder / "won";
    std::vector<std::unique_ptr<OtherProcess>> others;
    for (int i = 0; i < runs; ++i) {
      others.push_back(std::make_unique<OtherProcess>([=] {
        return std::thread([=] {
          while (!fs::exists(go)) std::this_thread::yield();
          std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
          try {
            const PathClaim claim = PathClaim::take(path);
            std::ofstream(won.string() + std::to_string(i)) << "x";
            std::this_thread::sleep_for(std::chrono::seconds(60));
          } catch (const DataError&) {
            std::ofstream(won.string() + std::to_string(i) + "lost") << "x";
          }
        });
      }));
    }
    std::ofstream(go) << "x";
    const auto count = [&](const std::string& ending) {
      int found = 0;
      for (int i = 0; i < runs; ++i) {
        found += fs::exists(won.string() + std::to_string(i) + ending) ? 1 : 0;
      }
      return found;
    };
    for (int i = 0; i < 1000 && count("") + count("lost") < runs; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(count(""), 1) << "round " << round;
    EXPECT_EQ(count("lost"), runs - 1) << "round " << round;
    for (auto& other : others) other->kill_it();
    for (int i = 0; i < runs; ++i) {
      fs::remove(won.string() + std::to_string(i));
      fs::remove(won.string() + std::to_string(i) + "lost");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(FlockAndMarks, Claims, ::testing::Bool());

TEST(MixedClaims, AFileUnderFlockIsSeenWhereFlockIsOff) {
  const TemporaryFolder folder;
  OtherProcess other(taking(folder / "a.h5"));
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  EXPECT_THAT(refusal(folder / "a.h5"), HasSubstr("in use"));
  other.kill_it();
  EXPECT_EQ(refusal(folder / "a.h5"), "taken") << "its process is known to be gone";
  unsetenv("HDF5_USE_FILE_LOCKING");
}

TEST(MixedClaims, MarksAreSeenWhereFlockIsOn) {
  const TemporaryFolder folder;
  OtherProcess other([&] {
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    return PathClaim::take(folder / "a.h5");
  });
  EXPECT_THAT(refusal(folder / "a.h5"), HasSubstr("in use"));
}

}  // namespace
}  // namespace explaind
