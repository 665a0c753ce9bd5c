#include "machine/likeness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "machine/build_id.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

const Likeness begun{.host = "n1", .build = "aaaaaaaa11", .instructions = "AMD, avx2, avx512f"};

Likeness changed(const std::string& build, const std::string& instructions) {
  return {.host = "n2", .build = build, .instructions = instructions};
}

TEST(Likeness, WhoIsAlikeGoesOnWhereverItRuns) {
  const Likeness now = changed(begun.build, begun.instructions);
  EXPECT_FALSE(unlike(begun, now).any());
  require_going_on("o.h5", begun, now, false);
  EXPECT_EQ(own_likeness().build, build_id());
  EXPECT_FALSE(unlike(own_likeness(), own_likeness()).any());
}

TEST(Likeness, WhatIsNotKnownCountsAsAlike) {
  require_going_on("o.h5", {}, begun, false);
  require_going_on("o.h5", begun, {.host = "n2", .build = "", .instructions = ""}, false);
}

TEST(Likeness, AnotherBuildIsRefusedWithBothHosts) {
  const Likeness now = changed("bbbbbbbb22", begun.instructions);
  EXPECT_THAT([&] { require_going_on("o.h5", begun, now, false); },
              ThrowsMessage<DataError>(
                  AllOf(HasSubstr("o.h5: "), HasSubstr("(aaaaaaaa on n1; this is bbbbbbbb on n2)"),
                        HasSubstr("with the program that began it"), HasSubstr("--other-build"),
                        Not(HasSubstr("another order")))));
  require_going_on("o.h5", begun, now, true);
}

TEST(Likeness, AnotherProcessorIsRefusedWithBothHosts) {
  const Likeness now = changed(begun.build, "AMD, avx2");
  EXPECT_THAT([&] { require_going_on("o.h5", begun, now, false); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("n1 has avx512f; n2 has none of that"),
                                             HasSubstr("on a machine like n1"),
                                             Not(HasSubstr("another build of the program")))));
  require_going_on("o.h5", begun, now, true);
}

}  // namespace
}  // namespace explaind::testing
