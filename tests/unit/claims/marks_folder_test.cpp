// Marks of other machines, of which only time tells whether their processes live. Times are shorter
// than a user's; nothing here depends on how fast the machine is, only on what is renewed.

#include "claims/marks_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "claims/process_mark.hpp"
#include "core/error.hpp"
#include "core/unfinished.hpp"
#include "unit/claims/other_process.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

constexpr const char* stranger = "node-1-0123456789abcdef";
constexpr const char* another = "node-2-fedcba9876543210";

/// As a process of another machine writes it.
void write_mark(const fs::path& folder, const std::string& tag, int beat) {
  ProcessMark mark = own_mark();
  mark.tag = tag;
  mark.host = "node";
  mark.place = "elsewhere";
  mark.since = "1999-01-01T00:00:00Z";  // its clock is wrong
  fs::create_directories(folder);
  std::ofstream(folder / tag) << mark.text() << "beat " << beat << "\n";
}

ClaimWait quick(std::vector<std::string>* said = nullptr) {
  ClaimWait wait;
  wait.times = {.renewal = milliseconds(20), .stale = milliseconds(600), .look = milliseconds(10)};
  if (said != nullptr) wait.say = [said](const std::string& line) { said->push_back(line); };
  return wait;
}

TEST(MarksFolder, IsRefusedWhereNoneCanBe) {
  const TemporaryFolder folder;
  std::vector<std::string> dead;
  const auto taking = [&](const fs::path& path) {
    return [&, path] { const MarksFolder taken(path, quick(), dead); };
  };
  EXPECT_THAT(taking(folder / "nowhere/lock"),
              ::testing::ThrowsMessage<DataError>(HasSubstr("nowhere/lock: cannot be made")));
  std::ofstream(folder / "lock") << "a file";
  EXPECT_THAT(taking(folder / "lock"),
              ::testing::ThrowsMessage<DataError>(HasSubstr("lock: cannot be taken as a lock")));
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path(), folder / "lock") << "what was begun stays";
  }
}

TEST(MarksFolder, OneThatStandsStillIsStaleAndTaken) {
  const TemporaryFolder folder;
  write_mark(folder / "lock", stranger, 1);
  // Times of files say nothing: clocks of machines differ.
  fs::last_write_time(folder / "lock" / stranger,
                      fs::file_time_type::clock::now() + std::chrono::hours(1));
  std::vector<std::string> dead, said;
  const auto begin = std::chrono::steady_clock::now();
  const MarksFolder taken(folder / "lock", quick(&said), dead);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(600));
  EXPECT_THAT(dead, ElementsAre(stranger));
  EXPECT_THAT(marks_in(folder / "lock"), ElementsAre(process_tag()));
  EXPECT_THAT(said, ElementsAre(HasSubstr("process " + std::to_string(getpid()) + " on node")));
}

/// The number of a process that has ended.
std::string ended_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return std::to_string(child);
}

TEST(MarksFolder, WhatWasHalfMadeByOneThatEndedIsTheNextHoldersToRemove) {
  const TemporaryFolder folder;
  const std::string ended = ended_process(), here = host_name() + "-", random = "-0123456789abcdef";
  const std::string with_mark = here + ended + random, empty = here + ended + "-fedcba9876543210",
                    living = here + std::to_string(getppid()) + random;
  for (const std::string& tag : {with_mark, empty, living, std::string(stranger)}) {
    fs::create_directory(folder / ("lock." + tag));
  }
  ProcessMark mark = own_mark();
  mark.pid = ended;
  std::ofstream(folder / ("lock." + with_mark) / with_mark) << mark.text() << "beat 0\n";
  fs::create_directory(folder / ("other." + empty));  // of another path
  std::vector<std::string> dead;
  const MarksFolder taken(folder / "lock", quick(), dead);
  EXPECT_THAT(dead, ::testing::UnorderedElementsAre(with_mark, empty));
}

TEST(MarksFolder, AnOldTimeIsNoReasonToTakeIt) {
  const TemporaryFolder folder;
  write_mark(folder / "lock", stranger, 1);
  fs::last_write_time(folder / "lock" / stranger,
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  std::vector<std::string> dead;
  const auto begin = std::chrono::steady_clock::now();
  const MarksFolder taken(folder / "lock", quick(), dead);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(600));
}

TEST(MarksFolder, OneRankThatRenewsHoldsItForAll) {
  const TemporaryFolder folder;
  write_mark(folder / "lock", stranger, 1);  // the first rank: stopped, it renews no more
  write_mark(folder / "lock", another, 0);
  std::atomic<bool> ends{false};
  std::thread renewing([&] {
    for (int beat = 1; !ends; ++beat) {
      write_mark(folder / "lock", another, beat);
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  std::vector<std::string> dead;
  ClaimWait wait = quick();
  wait.patience = milliseconds(1500);  // longer than it takes to be stale
  EXPECT_THROW(MarksFolder(folder / "lock", wait, dead), DataError);
  ends = true;
  renewing.join();
  EXPECT_TRUE(fs::exists(folder / "lock" / another));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1)
      << "the folder prepared goes";
}

TEST(MarksFolder, IsRenewedWhileItIsHeldAndSaysWhenItIsLost) {
  const TemporaryFolder folder;
  std::vector<std::string> dead;
  MarksFolder taken(folder / "lock", quick(), dead);
  const std::string before = read_claim_text(folder / "lock" / process_tag());
  for (int i = 0; i < 500 && read_claim_text(folder / "lock" / process_tag()) == before; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_NE(read_claim_text(folder / "lock" / process_tag()), before);
  EXPECT_EQ(taken.hold(), MarksFolder::Hold::held);
  fs::remove(folder / "lock" / process_tag());  // by a watcher that took it for dead
  EXPECT_EQ(taken.hold(), MarksFolder::Hold::lost) << "at once";
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(taken.hold(), MarksFolder::Hold::lost);
  EXPECT_FALSE(fs::exists(folder / "lock" / process_tag())) << "it is not made again";
}

/// Of a process that stands still: nothing is renewed but when it is asked.
ClaimWait standing_still() {
  ClaimWait wait = quick();
  wait.times.renewal = std::chrono::hours(1);
  wait.times.valid = milliseconds(50);
  return wait;
}

TEST(MarksFolder, AMarkThatWasNotRenewedGetsANameThatNoWatcherKnows) {
  const TemporaryFolder folder;
  std::vector<std::string> dead;
  {
    const MarksFolder taken(folder / "lock", standing_still(), dead);
    EXPECT_EQ(taken.hold(), MarksFolder::Hold::held);
    EXPECT_THAT(marks_in(folder / "lock"), ElementsAre(process_tag()));
    std::this_thread::sleep_for(milliseconds(100));
    EXPECT_EQ(taken.hold(), MarksFolder::Hold::held);
    const std::vector<std::string> marks = marks_in(folder / "lock");
    ASSERT_EQ(marks.size(), 1U);
    EXPECT_NE(marks[0], process_tag()) << "who would remove that one finds nothing";
    EXPECT_EQ(parse_mark(read_claim_text(folder / "lock" / marks[0]))->tag, process_tag());
  }
  EXPECT_FALSE(fs::exists(folder / "lock")) << "nothing stays";
}

TEST(MarksFolder, IsJoinedWhateverTheNameOfItsFirstMark) {
  const TemporaryFolder folder;
  write_mark(folder / "lock", stranger, 1);
  fs::rename(folder / "lock" / stranger, folder / "lock" / another);
  const MarksFolder joined(folder / "lock", stranger, quick().times);
  EXPECT_EQ(joined.hold(), MarksFolder::Hold::held);
  EXPECT_THROW(MarksFolder(folder / "lock", "node-3-0000000000000000", quick().times), DataError);
}

TEST(MarksFolder, OneThatWasTakenMeanwhileIsLost) {
  const TemporaryFolder folder;
  std::vector<std::string> dead;
  const MarksFolder taken(folder / "lock", standing_still(), dead);
  fs::remove(folder / "lock" / process_tag());
  write_mark(folder / "lock", stranger, 1);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(taken.hold(), MarksFolder::Hold::lost);
  EXPECT_THAT(marks_in(folder / "lock"), ElementsAre(stranger));
}

TEST(MarksFolder, OneThatCannotBeRenewedMayNotWrite) {
  const TemporaryFolder folder;
  std::vector<std::string> dead;
  const MarksFolder taken(folder / "lock", standing_still(), dead);
  fs::rename(folder / "lock", folder / "away");  // a file system that does not answer
  std::ofstream(folder / "lock") << "";
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(taken.hold(), MarksFolder::Hold::unsure);
  EXPECT_EQ(taken.failure(), "Not a directory");
  fs::remove(folder / "lock");
  fs::rename(folder / "away", folder / "lock");
  EXPECT_EQ(taken.hold(), MarksFolder::Hold::held) << "it answers again";
}

TEST(MarksFolder, AStaleMarkUnderAnotherNameSaysWhoseFilesAreLeft) {
  const TemporaryFolder folder;
  write_mark(folder / "lock", stranger, 1);
  fs::rename(folder / "lock" / stranger, folder / "lock" / another);
  std::vector<std::string> dead;
  const MarksFolder taken(folder / "lock", quick(), dead);
  EXPECT_THAT(dead, ElementsAre(stranger));
}

TEST(MarksFolder, ALostOneLeavesTheNextHolderAlone) {
  const TemporaryFolder folder;
  std::vector<std::string> dead;
  {
    const MarksFolder taken(folder / "lock", quick(), dead);
    fs::remove(folder / "lock" / process_tag());
    write_mark(folder / "lock", stranger, 1);
  }
  EXPECT_TRUE(fs::exists(folder / "lock" / stranger));
}

}  // namespace
}  // namespace explaind
