#include "path/step_selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"

namespace explaind {

void PrintTo(const PointPair& pair, std::ostream* out) { *out << pair.from << "–" << pair.to; }

namespace {

using ::testing::HasSubstr;

const std::vector<int64_t> steps{0, 10, 20, 40, 80, 160, 320};
const std::vector<double> change{0.5, 3.0, 0.25, 0.25, 2.0, 1.0};

std::vector<PointPair> chosen(const std::string& text, StepPolicy policy) {
  return select_segments(StepSelection::parse(text), policy, steps, change);
}

constexpr StepPolicy drop = StepPolicy::drop, merge = StepPolicy::merge;
using Pairs = std::vector<PointPair>;

TEST(StepSelection, AllIsEverySegment) {
  EXPECT_EQ(chosen("all", merge), (Pairs{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}}));
}

TEST(CutPairs, WhatLiesAcrossACutIsLeftOut) {
  const std::vector<PointPair> each = neighbours(7);
  EXPECT_EQ(cut_pairs(each, {}), each);
  EXPECT_EQ(cut_pairs(each, {3}), (Pairs{{0, 1}, {1, 2}, {3, 4}, {4, 5}, {5, 6}}));
  EXPECT_EQ(cut_pairs(each, {1, 6}), (Pairs{{1, 2}, {2, 3}, {3, 4}, {4, 5}}));
  EXPECT_EQ(cut_pairs(each, {3, 4}), (Pairs{{0, 1}, {1, 2}, {4, 5}, {5, 6}}));
  EXPECT_EQ(cut_pairs({{0, 6}}, {3}), (Pairs{{0, 2}, {3, 6}}));
  EXPECT_EQ(cut_pairs({{0, 6}}, {1, 2, 6}), (Pairs{{2, 5}}));
  EXPECT_EQ(cut_pairs({{0, 2}, {2, 5}}, {2}), (Pairs{{0, 1}, {2, 5}}));
  EXPECT_TRUE(cut_pairs({{2, 3}}, {3}).empty());
}

TEST(StepSelection, TopKeepsTheLargestInOrder) {
  EXPECT_EQ(chosen("top:0.33", drop), (Pairs{{1, 2}, {4, 5}}));
  EXPECT_EQ(chosen("top:0.5", drop), (Pairs{{1, 2}, {4, 5}, {5, 6}}));
  EXPECT_EQ(chosen("top:0.01", drop), (Pairs{{1, 2}})) << "at least one";
  EXPECT_EQ(chosen("top:1", drop).size(), 6U);
}

TEST(StepSelection, MergeJoinsNeighboursThatAreNotChosen) {
  EXPECT_EQ(chosen("top:0.33", merge), (Pairs{{0, 1}, {1, 2}, {2, 4}, {4, 5}, {5, 6}}));
  EXPECT_EQ(chosen("list:40", merge), (Pairs{{0, 3}, {3, 4}, {4, 6}}));
}

TEST(StepSelection, TiesGoToTheEarlierSegment) {
  const auto pairs = select_segments(StepSelection::parse("top:0.34"), drop, {0, 1, 2, 3, 4, 5, 6},
                                     {1, 1, 1, 1, 1, 1});
  EXPECT_EQ(pairs, (Pairs{{0, 1}, {1, 2}, {2, 3}}));
}

TEST(StepSelection, EveryJoinsOrSkips) {
  EXPECT_EQ(chosen("every:4", merge), (Pairs{{0, 4}, {4, 6}}));
  EXPECT_EQ(chosen("every:4", drop), (Pairs{{0, 1}, {4, 5}}));
  EXPECT_EQ(chosen("every:1", merge), chosen("all", merge));
}

TEST(StepSelection, ListNamesBeginnings) {
  EXPECT_EQ(chosen("list:10,80", drop), (Pairs{{1, 2}, {4, 5}}));
  try {
    chosen("list:10,320", drop);
    FAIL() << "no segment begins at the last step";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("320"));
  }
}

TEST(StepSelection, RangeIsThoseThatBeginInItUnderEveryPolicy) {
  for (const StepPolicy policy : {drop, merge, StepPolicy::sum}) {
    EXPECT_EQ(chosen("range:10-80", policy), (Pairs{{1, 2}, {2, 3}, {3, 4}, {4, 5}}));
    EXPECT_EQ(chosen("range:160-160", policy), (Pairs{{5, 6}}));
    EXPECT_EQ(chosen("range:10:80", policy), chosen("range:10-80", policy));
    EXPECT_EQ(chosen("range:80:", policy), (Pairs{{4, 5}, {5, 6}}));
    EXPECT_EQ(chosen("range::10", policy), (Pairs{{0, 1}, {1, 2}}));
  }
  for (const std::string text : {"range:10-81", "range:1-80", "range:10-320"}) {
    EXPECT_THAT([&] { chosen(text, merge); },
                ::testing::ThrowsMessage<DataError>(HasSubstr("they begin at steps 0 to 160")));
  }
}

TEST(StepSelection, AListIsASelectionOfFirstSteps) {
  EXPECT_EQ(chosen("list:0|20:80", drop), (Pairs{{0, 1}, {2, 3}, {3, 4}, {4, 5}}));
  EXPECT_EQ(chosen("list:0,160", drop), chosen("list:0|160", drop));
  EXPECT_THAT([] { chosen("list:0|11:19", drop); },
              ::testing::ThrowsMessage<DataError>(HasSubstr("11:19")));
}

TEST(StepSelection, MergedSegmentsCoverTheWholePath) {
  for (const std::string text : {"top:0.2", "top:0.7", "every:5", "list:0,20,160"}) {
    const Pairs pairs = chosen(text, merge);
    EXPECT_EQ(pairs.front().from, 0U);
    EXPECT_EQ(pairs.back().to, 6U);
    for (size_t i = 1; i < pairs.size(); ++i) EXPECT_EQ(pairs[i].from, pairs[i - 1].to) << text;
  }
}

TEST(StepSelection, WhatIsNotUnderstoodIsQuoted) {
  for (const std::string text :
       {"", "top", "top:", "top:0", "top:1.5", "top:nan", "every:0", "every:x", "list:", "list:1,b",
        "some:3", "range:3", "range:5-4", "range:-1-4", "range:1-x", "top:0.5 "}) {
    try {
      StepSelection::parse(text);
      ADD_FAILURE() << text;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr("'" + text + "'"));
    }
  }
}

}  // namespace
}  // namespace explaind
