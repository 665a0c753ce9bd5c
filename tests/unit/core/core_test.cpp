// Messages, sizes, durations and progress lines.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;

TEST(Error, SaysWhereWhatAndWhatToDo) {
  EXPECT_STREQ(DataError("a.json:3", "broken JSON", "Repair it").what(),
               "a.json:3: broken JSON. Repair it");
  EXPECT_STREQ(DataError("a.json", "broken").what(), "a.json: broken");
  EXPECT_STREQ(DataError("", "broken", "Repair it").what(), "broken. Repair it");
  EXPECT_EQ(static_cast<int>(DataError("", "x").exit_code()), 1);
  EXPECT_EQ(static_cast<int>(UsageError("", "x").exit_code()), 2);
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
