// A lock on a file says nothing once the path leads to another file.

#include "claims/flock_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <vector>

#include "claims/path_claim.hpp"
#include "core/error.hpp"
#include "unit/claims/other_process.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

using testing::OtherProcess;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

TEST(FlockFiles, AreInPlaceWhileTheirPathLeadsToThem) {
  const TemporaryFolder folder;
  const fs::path path = folder / "lock", aside = folder / "aside";
  const FlockFile file(path, true);
  EXPECT_TRUE(file.is_in_place());
  file.write("what it holds does not matter");
  EXPECT_TRUE(file.is_in_place());
  fs::rename(path, aside);
  EXPECT_FALSE(file.is_in_place());
  fs::create_symlink(aside, path);
  EXPECT_TRUE(file.is_in_place()) << "by another way";
  fs::remove(path);
  const FlockFile next(path, true);
  next.write("what it holds does not matter");
  EXPECT_FALSE(file.is_in_place()) << "another file of the same name and text";
  EXPECT_TRUE(next.is_in_place());
  fs::rename(aside, path);
  EXPECT_TRUE(file.is_in_place());
  EXPECT_FALSE(next.is_in_place());
  fs::remove(path);
  EXPECT_FALSE(file.is_in_place());
}

TEST(FlockFiles, AClaimThatLostItsFileLeavesThatOfTheNextAlone) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.h5", lock = lock_path(path);
  auto first = std::make_unique<PathClaim>(PathClaim::take(path));
  fs::remove(lock);  // by hand, as one may where no run seems to be at the store
  OtherProcess second([&] { return PathClaim::take(path); });
  ASSERT_TRUE(second.worked());
  first.reset();
  EXPECT_TRUE(fs::exists(lock)) << "it is the second's";
  EXPECT_THROW(PathClaim::take(path), DataError);
  second.finish();
  EXPECT_FALSE(fs::exists(lock));
}

/// Between opening a file and locking it, who had it may remove it.
TEST(FlockFiles, NoTwoHaveAPathThatIsTakenAndLeftAllTheTime) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.h5", held = folder / "held", met = folder / "met";
  const auto take_turns = [&] {
    constexpr auto time = std::chrono::milliseconds(700);
    const auto begin = std::chrono::steady_clock::now();
    int turns = 0;
    while (std::chrono::steady_clock::now() - begin < time) {
      try {
        const PathClaim claim = PathClaim::take(path);
        // NOLINTNEXTLINE: variadic in C
        const int file = open(held.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0) std::ofstream(met) << "x";
        if (file >= 0) close(file);
        fs::remove(held);
        ++turns;
      } catch (const DataError&) {
        continue;
      }
    }
    return turns;
  };
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    int code = 1;
    try {
      code = take_turns() > 0 ? 0 : 1;
    } catch (const std::exception&) {
    }
    _exit(code);
  }
  int turned = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    turned += status == 0 ? 1 : 0;
  }
  EXPECT_GE(turned, 2);
  EXPECT_FALSE(fs::exists(met)) << "two had it at once";
}

}  // namespace
}  // namespace explaind
