#include "claims/process_mark.hpp"

#include <gtest/gtest.h>

#include "core/unfinished.hpp"
#include "unit/claims/other_process.hpp"

namespace explaind {
namespace {

TEST(ProcessMark, IsReadAsWritten) {
  const ProcessMark own = own_mark();
  const auto read = parse_mark(own.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), own.text());
  EXPECT_EQ(read->tag, process_tag());
  EXPECT_EQ(read->pid, std::to_string(getpid()));
  EXPECT_FALSE(own.place.empty());
}

TEST(ProcessMark, ATornOneIsNoneButMayHaveBeen) {
  const std::string text = own_mark().text();
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_mark(text.substr(0, size))) << size;
    EXPECT_TRUE(may_be_mark(text.substr(0, size))) << size;
  }
  EXPECT_FALSE(may_be_mark("somebody's notes"));
  EXPECT_FALSE(may_be_mark("explaind claims nothing"));
}

TEST(ProcessMark, TagsAreToldFromOtherNames) {
  EXPECT_TRUE(is_process_tag(process_tag()));
  EXPECT_TRUE(is_process_tag("node-7-12-0123456789abcdef"));
  for (const char* name : {"notes.txt", "node-12-0123456789abcde", "-12-0123456789abcdef",
                           "node-x-0123456789abcdef", "node--0123456789abcdef", ""}) {
    EXPECT_FALSE(is_process_tag(name)) << name;
  }
}

TEST(ProcessMark, TheLivingAreToldFromTheDeadHereAndNowhereElse) {
  ProcessMark own = own_mark();
  EXPECT_EQ(life_of(own), Life::alive);
  ProcessMark reused = own;
  reused.started = "1";  // another process had this number before
  EXPECT_EQ(life_of(reused), Life::dead);
  ProcessMark elsewhere = own;
  elsewhere.place = "another boot";
  EXPECT_EQ(life_of(elsewhere), Life::unknown);
  ProcessMark gone = own;
  gone.pid = "4194305";  // above the largest that Linux gives
  EXPECT_EQ(life_of(gone), Life::dead);
}

}  // namespace
}  // namespace explaind
