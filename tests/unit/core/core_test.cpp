// Messages, sizes, durations and progress lines.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"
#include "core/unexpected.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;

TEST(ExitCodes, OfALostDeviceAre70WhoeverSaysIt) {
  // As LibTorch and the CUDA runtime say it.
  for (const char* text :
       {"CUDA error: uncorrectable ECC error encountered\nCUDA kernel errors might be …",
        "CUDA error: uncorrectable NVLink error detected during the execution",
        "CUDA error: unknown error", "CUDA error: hardware stack error",
        "CUDA error: Invalid access of peer GPU memory over nvlink or a hardware error"}) {
    EXPECT_EQ(exit_code_of(std::runtime_error(text)), ExitCode::lost) << text;
    EXPECT_EQ(exit_code_of(Error("cudaEventQuery", text, "")), ExitCode::lost) << text;
    EXPECT_THAT(message_of(std::runtime_error(text)), HasSubstr("a device was lost (CUDA error"));
  }
  EXPECT_EQ(exit_code_of(std::runtime_error("CUDA error: out of memory")), ExitCode::failure);
  EXPECT_EQ(exit_code_of(UsageError("--x", "is wrong")), ExitCode::usage);
}

TEST(Error, SaysWhereWhatAndWhatToDo) {
  EXPECT_STREQ(DataError("a.json:3", "broken JSON", "Repair it").what(),
               "a.json:3: broken JSON. Repair it");
  EXPECT_STREQ(DataError("a.json", "broken").what(), "a.json: broken");
  EXPECT_STREQ(DataError("", "broken", "Repair it").what(), "broken. Repair it");
  EXPECT_EQ(static_cast<int>(DataError("", "x").exit_code()), 1);
  EXPECT_EQ(static_cast<int>(UsageError("", "x").exit_code()), 2);
}

TEST(MessageOf, IsWhatAUserCanUse) {
  EXPECT_EQ(message_of(DataError("a.json:3", "broken JSON", "Repair it")),
            "a.json:3: broken JSON. Repair it");
  EXPECT_THAT(message_of(std::bad_alloc()), HasSubstr("not enough memory"));
  EXPECT_THAT(message_of(std::filesystem::filesystem_error(
                  "cannot open", "/no/where", std::make_error_code(std::errc::permission_denied))),
              ::testing::AllOf(HasSubstr("/no/where"), HasSubstr("permissions"),
                               ::testing::Not(HasSubstr("report"))));
  const std::logic_error fault("of shape 3.\nException raised from view at a.cpp:7\nframe #0: f()");
  EXPECT_THAT(message_of(fault),
              ::testing::AllOf(::testing::StartsWith("unexpected: of shape 3 (std::logic_error)."),
                               HasSubstr("please report it"), HasSubstr(std::string(revision())),
                               ::testing::Not(HasSubstr("raised from")),
                               ::testing::Not(HasSubstr("frame"))));
  setenv("EXPLAIND_DEBUG", "1", 1);
  EXPECT_THAT(message_of(fault), HasSubstr("frame #0: f()"));
  setenv("EXPLAIND_DEBUG", "0", 1);
  EXPECT_THAT(message_of(fault), ::testing::Not(HasSubstr("frame #0: f()")));
  unsetenv("EXPLAIND_DEBUG");
}

TEST(TheEnd, OfAThreadsExceptionAndOfAFatalSignalIsOneMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        speak_before_the_end();
        std::thread([] { throw std::runtime_error("lost on a thread"); }).join();
      },
      ::testing::ExitedWithCode(1), "^error: unexpected: lost on a thread .*please report it.*\n$");
  EXPECT_EXIT(
      {
        speak_before_the_end();
        std::thread([] { throw DataError("a.h5", "is full", "Free space"); }).join();
      },
      ::testing::ExitedWithCode(1), "^error: a.h5: is full. Free space\n$");
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    EXPECT_EXIT(
        {
          speak_before_the_end();
          std::raise(number);
        },
        ::testing::KilledBySignal(number), "^error: the program ended: .*please report it.*\n$");
  }
}

TEST(FormatBytes, UsesPowersOfAThousand) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_THAT(format_bytes(3.3e9), HasSubstr("3.3 GB"));
  EXPECT_THAT(format_bytes(1e3), HasSubstr("kB"));
  EXPECT_THAT(format_bytes(2.5e6), HasSubstr("MB"));
  EXPECT_THAT(format_bytes(999'999), ::testing::Not(HasSubstr("1000 ")));
}

TEST(FormatDuration, GrowsFromSecondsToHours) {
  EXPECT_EQ(format_duration(0.12), "0.12 s");
  EXPECT_EQ(format_duration(45), "45 s");
  EXPECT_EQ(format_duration(125), "2 min 05 s");
  EXPECT_EQ(format_duration(3 * 3600 + 7 * 60), "3 h 07 min");
  EXPECT_THAT(format_duration(59.9), ::testing::Not(HasSubstr("60 s")));
  EXPECT_THAT(format_duration(3599.8), ::testing::Not(HasSubstr("60 ")));
}

TEST(Progress, WritesALineAtEveryTenthWhereThereIsNoTerminal) {
  std::ostringstream out;
  Progress progress("solve", 40, out, false);
  for (int i = 0; i < 40; ++i) progress.advance(1, "note " + std::to_string(i));
  progress.finish();
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10) << text;
  EXPECT_THAT(text, HasSubstr("solve 4/40 (10 %)"));
  EXPECT_THAT(text, HasSubstr("solve 40/40 (100 %)"));
  EXPECT_THAT(text, HasSubstr("note 39"));
  EXPECT_THAT(text, HasSubstr("left"));
  EXPECT_EQ(text.find('\r'), std::string::npos) << "no bar in a log file";
}

TEST(Progress, RedrawsOneLineOnATerminal) {
  std::ostringstream out;
  Progress progress("solve", 3, out, true);
  for (int i = 0; i < 3; ++i) progress.advance(1);
  progress.finish();
  const std::string text = out.str();
  EXPECT_NE(text.find('\r'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_THAT(text, HasSubstr("3/3"));
}

TEST(Progress, NothingIsShownAfterTheEnd) {
  std::ostringstream out;
  Progress progress("solve", 2, out, false);
  progress.advance(2);
  progress.finish();
  const std::string text = out.str();
  progress.advance(1);
  progress.finish();
  EXPECT_EQ(out.str(), text);
}

TEST(Revision, IsThere) { EXPECT_FALSE(revision().empty()); }

}  // namespace
}  // namespace explaind
