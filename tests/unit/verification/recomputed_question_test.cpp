// The choice of what is computed again.

#include "verification/recomputed_question.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace explaind {
namespace {

TEST(ChosenPlaces, AreAShareAtLeastOneAndNoneTwice) {
  EXPECT_EQ(chosen_places(100, 0.1, 1).size(), 10U);
  EXPECT_EQ(chosen_places(100, 0.001, 1).size(), 1U);
  EXPECT_EQ(chosen_places(0, 0.5, 1).size(), 0U);
  const std::vector<int64_t> all = chosen_places(7, 1, 3);
  EXPECT_EQ(all, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(ChosenPlaces, FollowFromTheSeed) {
  EXPECT_EQ(chosen_places(1000, 0.05, 5), chosen_places(1000, 0.05, 5));
  EXPECT_NE(chosen_places(1000, 0.05, 5), chosen_places(1000, 0.05, 6));
}

TEST(ParseShare, IsAPercentage) {
  EXPECT_DOUBLE_EQ(parse_share("10%"), 0.1);
  EXPECT_DOUBLE_EQ(parse_share("0.5%"), 0.005);
  EXPECT_DOUBLE_EQ(parse_share("100%"), 1);
  for (const char* wrong : {"10", "0%", "101%", "-1%", "%", "", "ten%", "10%%", "nan%", "1e999%"}) {
    EXPECT_THROW(parse_share(wrong), UsageError) << wrong;
  }
}

}  // namespace
}  // namespace explaind
