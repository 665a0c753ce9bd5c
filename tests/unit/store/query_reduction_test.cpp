// What entries that share a row become, how a result says so, and what is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "store/similarity.hpp"
#include "unit/store/query_fixture.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Queries, CertificatesToo) {
  Query query = grouped({"group"});
  query.variable = "value_from";
  double de = 0, worst = 0;
  for (int64_t g = 0; g < 3; ++g) {
    for (const int64_t s : {0, 2, 3}) de += certificate(g, s);
    worst = std::max(worst, certificate(g, 4) + 3);
  }
  query.mean = {"segment"};
  EXPECT_NEAR(table_of(ask(query)).at({"de"}), de / 9, 1e-12 * de);
  EXPECT_EQ(ask(query).statement.words(), "mean of 3 segments, mean of 2 to 3 samples");
  query.variable = "quadrature_error";  // errors do not add up
  query.mean = {};
  EXPECT_EQ(table_of(ask(query)).at({"en"}), worst);
  EXPECT_EQ(ask(query).statement.words(), "largest of 3 segments, largest of 2 to 3 samples");
  query.mean = {"sample"};  // of the largest over segments
  double mean = 0;
  for (const int64_t s : {1, 4}) mean += (certificate(2, s) + 3) / 2;
  EXPECT_NEAR(table_of(ask(query)).at({"en"}), mean, 1e-12 * mean);
  EXPECT_EQ(ask(query).statement.words(), "mean of 2 to 3 samples of the largest of 3 segments");
}

TEST(QueryGroups, AGroupAxisHasItsOwnCoordinate) {
  const TemporaryFile file;
  write_store(file.path(), small_schema({false, true, false}));
  const QueryResult result = run(StoreReader(file.path()), grouped({"group"}));
  double expected = 0;
  for (int64_t g = 0; g < 3; ++g) {
    for (int64_t c = 0; c < 6; ++c) expected += cell(g, 1, 0, c);
  }
  EXPECT_EQ(table_of(result).at({"en"}), expected);
  EXPECT_THAT(result.statement.words(),
              HasSubstr("stored as the mean of each group's 2 to 3 samples"));
}

TEST(QueryGroups, MeansOfGroupsAreWeightedByTheirSamplesAndSumsAreAdded) {
  for (const bool sums : {false, true}) {
    SCOPED_TRACE(sums);
    const TemporaryFile file;
    StoreSchema schema = small_schema({false, true, false});
    if (sums) schema.provenance = {{"configuration", "{\"group-reduce\": \"sum\"}"}};
    write_store(file.path(), schema);
    double de = 0, en = 0;  // of 3 samples and 2
    for (int64_t g = 0; g < 3; ++g) {
      for (const int64_t c : {2, 4, 5}) {
        de += cell(g, 0, 0, c);
        en += cell(g, 1, 0, c);
      }
    }
    const QueryResult result = run(StoreReader(file.path()), grouped({"kind"}));
    const double expected = sums ? de + en : (3 * de + 2 * en) / 5;
    EXPECT_NEAR(table_of(result).at({"mlp"}), expected, 1e-12 * expected);
    EXPECT_THAT(result.statement.words(),
                HasSubstr(sums ? "sum of 2 groups"
                               : "mean of 2 groups (weighted by their samples, 2 to 3)"));
  }
}

TEST(QueryGroups, SamplesThatWereSummedBeforeAreSaid) {
  const TemporaryFile file;
  write_store(file.path(), small_schema({false, false, false}));
  const QueryResult result = run(StoreReader(file.path()), grouped({"kind"}));
  EXPECT_THAT(result.statement.words(), HasSubstr("stored as the sum of 5 samples"));
}

TEST_F(Queries, TheStatementSaysWhatWasDoneOverHowMany) {
  const auto words = [&](const Query& query) { return ask(query).statement.words(); };
  EXPECT_EQ(
      words(grouped({"group", "kind"})),
      "mean of 2 to 3 samples, sum of 3 segments, sum of 4 positions, sum of 1 to 3 components");
  EXPECT_EQ(words(grouped({"step_to", "id", "position", "component"})), "");
  EXPECT_EQ(
      words(grouped({"position"}, {"id=a|b|c|d|e", "step=10"})),
      "mean of 5 samples (all of the same weight, from groups of 2 to 3), sum of 6 components");
  EXPECT_EQ(words(grouped({"position"}, {"id=b", "step=10", "component=embed"})),
            "mean of 1 sample");
  Query query = grouped({"group"});
  query.mean = {"segment"};
  query.sum = {"sample"};
  EXPECT_EQ(words(query),
            "mean of 3 segments, sum of 2 to 3 samples, sum of 4 positions, sum of 6 components");
  const QueryResult result = ask(query);
  EXPECT_EQ(column_of(result.statement, result.statement.axes.front()), "mean_of_segments");
  ASSERT_EQ(result.counts.size(), 2U);
  EXPECT_THAT(result.counts[0], ElementsAre(3, 3, 4, 6));  // de: 3 segments of 3 samples
  EXPECT_THAT(result.counts[1], ElementsAre(3, 2, 4, 6));
}

TEST_F(Queries, WhatDoesNotAddUpIsRefusedWithTheWayOut) {
  const auto asked = [&](const std::string& variable, const std::vector<std::string>& by,
                         const std::vector<std::string>& sum = {},
                         const std::vector<std::string>& mean = {}) {
    Query query = grouped(by);
    query.variable = variable;
    query.sum = sum;
    query.mean = mean;
    return refusal(query);
  };
  for (const char* value : {"value_from", "value_to"}) {
    EXPECT_THAT(asked(value, {"group"}),
                AllOf(HasSubstr("3 segments would share a row"), HasSubstr("--mean segment"),
                      HasSubstr("step_to"), Not(HasSubstr("--sum segment"))));
    EXPECT_THAT(asked(value, {"group"}, {"segment"}), HasSubstr("do not add up"));
    EXPECT_EQ(asked(value, {"group"}, {}, {"segment"}), "accepted");
    EXPECT_EQ(asked(value, {"group", "step_to"}), "accepted");
  }
  for (const char* flag : {"node_count", "tolerance_met", "limited_by_precision", "committed"}) {
    EXPECT_THAT(asked(flag, {"group"}),
                AllOf(HasSubstr("3 segments and 3 samples"), HasSubstr("--sum segment,sample")));
    EXPECT_EQ(asked(flag, {"group"}, {"segment"}, {"sample"}), "accepted");
    EXPECT_EQ(asked(flag, {}), "accepted");
  }
  EXPECT_EQ(asked("residual", {"group"}), "accepted");
  for (const char* label : {"step_from", "layer", "checksum"}) {
    EXPECT_THAT(asked(label, {}, {}, {label == std::string("layer") ? "component" : "segment"}),
                HasSubstr("neither added nor averaged"));
  }
  EXPECT_THAT(asked("id", {}), HasSubstr("is text"));
  EXPECT_THAT(asked("psi", {"kind"}, {"sample"}, {"sample"}), HasSubstr("--mean too"));
}

TEST_F(Queries, WhatIsNotCommittedCountsAsNothingAndNotAsZero) {
  // Segment 0 whole; of segment 1 samples a, b; of segment 2 samples c, d.
  write_store(file.path(), small_schema({true, false, true}), {0, 1, 2, 3, 7});
  const auto of = [](int64_t g, const std::vector<int64_t>& samples) {
    double sum = 0;
    for (const int64_t s : samples) {
      for (int64_t p = 0; p < 4; ++p) sum += cell(g, s, p, 0) / static_cast<double>(samples.size());
    }
    return sum;
  };
  Query query = grouped({"component"}, {"component=embed"});
  double expected = of(0, {0, 1, 2, 3, 4}) + of(1, {0, 1}) + of(2, {2, 3});
  EXPECT_NEAR(ask(query).values.at(0), expected, 1e-9);
  query.mean = {"segment"};
  EXPECT_NEAR(ask(query).values.at(0), expected / 3, 1e-9);
  query.select.emplace_back("id=e");  // segments 1 and 2 have nothing of it
  EXPECT_NEAR(ask(query).values.at(0), of(0, {4}), 1e-9);
  EXPECT_EQ(ask(query).statement.words(),
            "mean of 1 of 3 segments, mean of 1 sample, sum of 4 positions");
  query = grouped({"group"}, {"component=embed"});
  const Table by_group = table_of(ask(query));
  EXPECT_NEAR(by_group.at({"de"}), of(0, {0, 2, 3}) + of(1, {0}) + of(2, {2, 3}), 1e-9);
  EXPECT_NEAR(by_group.at({"en"}), of(0, {1, 4}) + of(1, {1}), 1e-9);
  query.absolute = {"segment", "sample"};  // all scores are positive: the same
  expect_near(table_of(ask(query)), by_group);
  query.absolute = {};
  query.error = true;
  EXPECT_THAT(refusal(query), HasSubstr("not committed yet"));
}

TEST_F(Queries, TheStandardErrorIsThatOfTheMeanOverSamples) {
  write_signed_store(file.path());
  Query query = grouped({"group", "kind"});
  query.error = true;
  const QueryResult result = ask(query);
  const auto sums_of = [](const std::string& group, const std::string& kind, bool absolute) {
    std::vector<double> sums;
    for (int64_t s = 0; s < 5; ++s) {
      if (groups[static_cast<size_t>(s)] != group) continue;
      double sum = 0;
      for (int64_t g = 0; g < 3; ++g) {
        double of_segment = 0;
        for (int64_t p = 0; p < 4; ++p) {
          for (int64_t c = 0; c < 6; ++c) {
            if (kinds[static_cast<size_t>(c)] == kind) of_segment += signed_cell(g, s, p, c);
          }
        }
        sum += absolute ? std::abs(of_segment) : of_segment;
      }
      sums.push_back(sum);
    }
    return sums;
  };
  const auto expect_errors = [&](const QueryResult& found, bool absolute) {
    ASSERT_EQ(found.errors.size(), 6U);
    for (size_t row = 0; row < 6; ++row) {
      const std::vector<double> sums = sums_of(found.keys[row][0], found.keys[row][1], absolute);
      const auto n = static_cast<double>(sums.size());
      double mean = 0, squares = 0;
      for (const double each : sums) mean += each / n;
      for (const double each : sums) squares += (each - mean) * (each - mean);
      EXPECT_NEAR(found.values[row], mean, 1e-9) << row;
      EXPECT_NEAR(found.errors[row], std::sqrt(squares / (n - 1) / n), 1e-9) << row;
      EXPECT_GT(found.errors[row], 0);
    }
  };
  expect_errors(result, false);
  query.error = false;  // asking for it changes no value
  expect_near(table_of(ask(query)), table_of(result));
  query.error = true;
  query.absolute = {"segment", "sample"};
  expect_errors(ask(query), true);
  query.top = 1;
  EXPECT_EQ(ask(query).errors.size(), 1U);
  query.absolute = {"segment"};
  EXPECT_THAT(refusal(query), HasSubstr("inside |·|"));
  query.absolute = {};
  query.sum = {"sample"};
  EXPECT_THAT(refusal(query), HasSubstr("means over samples"));
  Query single = grouped({"id"});
  single.error = true;
  EXPECT_THAT(refusal(single), HasSubstr("no row has two samples"));
  EXPECT_THROW(static_cast<void>(similarity(StoreReader(file.path()), single, "segment")),
               UsageError);
}

}  // namespace
}  // namespace explaind::testing
