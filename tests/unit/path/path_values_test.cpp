// What F at the points of a path says of its segments: which moved most, and what is left out.

#include "path/path_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "path/step_selection.hpp"

namespace explaind {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

/// Two samples at four points. In the first segment they move against each other, in the second
/// both fall a little, in the third only the last one moves.
CheckpointValues values() {
  return {.steps = {0, 10, 30, 70}, .samples = 2, .values = {1, 5, 4, 2, 3.5, 1.5, 3.5, 3.5}};
}

TEST(PathValues, AChangeIsTheSumOfWhatEverySampleMovedWhateverItsSign) {
  EXPECT_THAT(values().changes(), ElementsAre(6.0, 1.0, 2.0));
}

TEST(PathValues, TheSegmentsThatMovedMostAreThoseOfAllSamples) {
  const auto chosen = [&](const std::string& text) {
    const CheckpointValues all = values();
    return select_segments(StepSelection::parse(text), StepPolicy::drop, all.steps, all.changes());
  };
  EXPECT_EQ(chosen("top:0.3"), (std::vector<PointPair>{{0, 1}})) << "its sum of changes is 0";
  EXPECT_EQ(chosen("top:0.6"), (std::vector<PointPair>{{0, 1}, {2, 3}}));
}

TEST(PathValues, LeftOutIsTheChangeOfTheSegmentsThatAreNotKept) {
  EXPECT_THAT(values().left_out({{0, 1}, {2, 3}}), ElementsAre(-0.5, -0.5)) << "of the second";
  EXPECT_THAT(values().left_out({{1, 2}}), ElementsAre(DoubleEq(3.0), DoubleEq(-1.0)));
  EXPECT_THAT(values().left_out({}), ElementsAre(2.5, -1.5)) << "all of it: last less first";
  EXPECT_THAT(values().left_out({{0, 1}, {1, 3}}), ElementsAre(0.0, 0.0));
}

/// Points 0 … 4, two samples each; ranks other than a group's first have nothing, or rubbish.
TEST(PathValues, GroupsTakeTurnsOnThePath) {
  const std::vector<double> all{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5};
  EXPECT_EQ(in_path_order({all}, 1, 5, 2), all);
  EXPECT_EQ(in_path_order({{0, 0.5, 2, 2.5, 4, 4.5}, {1, 1.5, 3, 3.5}}, 1, 5, 2), all);
  EXPECT_EQ(in_path_order({{0, 0.5, 2, 2.5, 4, 4.5}, {}, {1, 1.5, 3, 3.5}, {}}, 2, 5, 2), all);
  EXPECT_EQ(in_path_order({{0, 0.5, 3, 3.5}, {1, 1.5, 4, 4.5}, {2, 2.5}}, 1, 5, 2), all);
}

}  // namespace
}  // namespace explaind
