// Axes and the grid of units.

#include "scores/tile.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/error.hpp"

namespace explaind {
namespace {

TEST(ParseAxes, KeepsWhatIsNamed) {
  const Axes both = parse_axes("sample,position");
  EXPECT_TRUE(both.sample);
  EXPECT_TRUE(both.position);
  EXPECT_FALSE(both.group);
  const Axes groups = parse_axes("segment,group,component");
  EXPECT_TRUE(groups.group);
  EXPECT_FALSE(groups.sample);
  for (const char* none : {"", "segment"}) {
    const Axes axes = parse_axes(none);
    EXPECT_FALSE(axes.sample || axes.group || axes.position) << none;
  }
}

TEST(ParseAxes, KnowsTrainingAxesAndOutputs) {
  const Axes axes = parse_axes("sample,train_group,output");
  EXPECT_TRUE(axes.sample && axes.train_group && axes.output);
  EXPECT_FALSE(axes.train_sample || axes.group || axes.position);
  EXPECT_TRUE(parse_axes("train_sample").train_sample);
  EXPECT_THROW(parse_axes("train_sample,train_group"), UsageError);
}

TEST(ParseAxes, RefusesOtherWordsAndSamplesBesideGroups) {
  for (const char* bad : {"samples", "sample,group", "sample;position", "training"}) {
    EXPECT_THROW(parse_axes(bad), UsageError) << bad;
  }
}

TEST(UnitGrid, CoversEverySampleOfEverySegmentOnce) {
  for (const int64_t samples : {1, 5, 6, 7}) {
    for (const int64_t chunk : {1, 3, 7, 100}) {
      const UnitGrid grid(4, samples, chunk, true);
      EXPECT_EQ(grid.per_segment(), (samples + chunk - 1) / chunk);
      EXPECT_EQ(grid.size(), 4 * grid.per_segment());
      std::set<std::pair<int64_t, int64_t>> seen;
      int64_t segment = 0;
      for (int64_t i = 0; i < grid.size(); ++i) {
        const Unit unit = grid.unit(i);
        EXPECT_EQ(unit.index, i);
        EXPECT_GE(unit.segment, segment);  // segments outermost
        segment = unit.segment;
        EXPECT_LE(unit.sample_end - unit.sample_begin, chunk);
        for (int64_t s = unit.sample_begin; s < unit.sample_end; ++s) {
          EXPECT_TRUE(seen.emplace(unit.segment, s).second);
        }
      }
      EXPECT_EQ(seen.size(), static_cast<size_t>(4 * samples));
    }
  }
}

TEST(UnitGrid, SummedSamplesMakeAUnitOfASegment) {
  const UnitGrid grid(3, 10, 4, false);
  EXPECT_EQ(grid.size(), 3);
  EXPECT_EQ(grid.unit(2).segment, 2);
  EXPECT_EQ(grid.unit(2).sample_begin, 0);
  EXPECT_EQ(grid.unit(2).sample_end, 10);
}

}  // namespace
}  // namespace explaind
