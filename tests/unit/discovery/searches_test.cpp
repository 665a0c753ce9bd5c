// The searches on small arrays of which everything is known.

#include "discovery/searches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/split_mix.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t segments = 14, samples = 12, parts = 3;

/// Contributions between -1.2 and -.8 of three parts, for twelve samples of two groups.
Trajectories even_scores() {
  Trajectories all;
  SplitMix64 random(8);
  for (size_t s = 0; s < segments; ++s) {
    all.step_from.push_back(static_cast<int64_t>(10 * s));
    all.step_to.push_back(static_cast<int64_t>(10 * s + 10));
  }
  for (size_t i = 0; i < samples; ++i) {
    all.ids.push_back("id " + std::to_string(i));
    all.groups.emplace_back(i % 2 == 0 ? "de" : "fr");
    all.weights.push_back(1.0 / samples);
  }
  all.part = "component";
  all.parts = {"a", "b", "c"};
  for (size_t k = 0; k < segments * samples * parts; ++k) {
    all.values.push_back(-0.8 - 0.4 * random.uniform());
  }
  return all;
}

double& at(Trajectories& all, size_t segment, size_t sample, size_t part) {
  return all.values[(segment * samples + sample) * parts + part];
}

const TestSettings settings{.level = 0.01, .permutations = 999, .seed = 1};

TEST(Searches, FindNothingWhereNothingHappens) {
  const Trajectories all = even_scores();
  for (const SearchResult& each :
       {find_phases(all, settings), find_clusters(all, settings),
        find_divergences(all, {}, settings), find_hand_overs(all, settings)}) {
    EXPECT_THAT(each.rows, SizeIs(0)) << each.name;
    EXPECT_EQ(each.why_not, "") << each.name;
    ASSERT_TRUE(each.smallest_p) << each.name;
    EXPECT_GT(*each.smallest_p, 0.01) << each.name;
    EXPECT_EQ(each.permutations, 999);
  }
}

TEST(Searches, PhasesDoNotSeeHowLargeSegmentsAre) {
  Trajectories all = even_scores();
  for (size_t s = 7; s < segments; ++s) {
    for (size_t i = 0; i < samples * parts; ++i) all.values[s * samples * parts + i] *= 0.01;
  }
  EXPECT_THAT(find_phases(all, settings).rows, SizeIs(0));
  for (size_t s = 7; s < segments; ++s) {
    for (size_t i = 0; i < samples; ++i) at(all, s, i, 1) *= 3;
  }
  const SearchResult found = find_phases(all, settings);
  ASSERT_THAT(found.rows, SizeIs(1));
  EXPECT_EQ(found.rows[0]["step"], 70);
  EXPECT_EQ(found.rows[0]["parts"][0]["component"], "b");
}

TEST(Searches, ClustersAreSamplesThatPartWays) {
  Trajectories all = even_scores();
  for (const size_t i : {1U, 2U, 5U, 8U, 11U}) at(all, 6, i, 2) -= 30;
  const SearchResult found = find_clusters(all, settings);
  ASSERT_THAT(found.rows, SizeIs(2));
  const auto& row = found.rows[found.rows[0]["samples"] == 5 ? 0 : 1];
  EXPECT_THAT(row["ids"], ::testing::ElementsAre("id 1", "id 2", "id 5", "id 8", "id 11"));
  EXPECT_EQ(row["parts"][0]["component"], "c");
  EXPECT_EQ(row["parts"][0]["most_to"], 70);
  EXPECT_GT(found.more["stability"], 0.6);
}

TEST(Searches, DivergencesHaveAPartAPairAndASign) {
  Trajectories all = even_scores();
  for (size_t i = 0; i < samples; i += 2) at(all, 3, i, 0) -= 5;
  const SearchResult found = find_divergences(all, {"fr", "de"}, settings);
  ASSERT_THAT(found.rows, SizeIs(1));
  EXPECT_EQ(found.rows[0]["component"], "a");
  EXPECT_EQ(found.rows[0]["group"], "fr");
  EXPECT_GT(found.rows[0]["t"], 0);  // what de has less of than fr
  EXPECT_EQ(found.rows[0]["most_from"], 30);
  EXPECT_THROW(require_groups(all, {"de", "fx"}), UsageError);
}

TEST(Searches, HandOversAreAlsoThereBeforeContributionsAreScaled) {
  // b begins and is all there is: the others' shares fall, and they have not stopped.
  Trajectories all = even_scores();
  for (size_t s = 0; s < segments; ++s) {
    for (size_t i = 0; i < samples; ++i) at(all, s, i, 1) *= s < 7 ? 0.01 : 20;
  }
  EXPECT_THAT(find_hand_overs(all, settings).rows, SizeIs(0));
  for (size_t s = 7; s < segments; ++s) {
    for (size_t i = 0; i < samples; ++i) at(all, s, i, 0) *= 0.05;
  }
  const SearchResult found = find_hand_overs(all, settings);
  ASSERT_THAT(found.rows, SizeIs(1));
  EXPECT_EQ(found.rows[0]["step"], 70);
  EXPECT_EQ(found.rows[0]["stops"], "a");
  EXPECT_EQ(found.rows[0]["begins"], "b");
  all.helps_negative = false;
  EXPECT_THAT(find_hand_overs(all, settings).rows, SizeIs(0));
}

TEST(Searches, SayWhyTheyCannotBeAsked) {
  Trajectories groups = even_scores();
  groups.rows = Trajectories::Rows::groups;
  EXPECT_THAT(find_clusters(groups, settings).why_not, HasSubstr("holds groups"));
  EXPECT_THAT(find_divergences(groups, {}, settings).why_not, HasSubstr("holds groups"));
  Trajectories one = even_scores();
  one.step_from.resize(1), one.step_to.resize(1), one.values.resize(samples * parts);
  EXPECT_THAT(find_phases(one, settings).why_not, HasSubstr("there is 1"));
  EXPECT_THAT(find_hand_overs(one, settings).why_not, HasSubstr("there is 1"));
  one.groups.assign(samples, "de");
  EXPECT_THAT(find_divergences(one, {}, settings).why_not, HasSubstr("there is one"));
}

TEST(Searches, StructureOfAProductIsOnePattern) {
  Trajectories all = even_scores();
  for (size_t s = 0; s < segments; ++s) {
    for (size_t i = 0; i < samples; ++i) {
      for (size_t p = 0; p < parts; ++p) {
        at(all, s, i, p) = static_cast<double>((s + 1) * (i + 2) * (p + 3));
      }
    }
  }
  const SearchResult found = describe_structure(all);
  ASSERT_THAT(found.rows, SizeIs(3));
  for (const auto& row : found.rows) {
    EXPECT_NEAR(row["shares"][0].get<double>(), 1, 1e-12);
    EXPECT_EQ(row["patterns_for_99_percent"], 1);
  }
}

}  // namespace
}  // namespace explaind
