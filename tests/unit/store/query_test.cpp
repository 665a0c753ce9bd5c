// Which rows a query has: what is kept, what is selected, in which order; against sums over all
// cells by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "unit/store/query_fixture.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Queries, GroupByEveryPairOfCoordinates) {
  const auto value = [](const std::string& name, size_t g, size_t s, size_t p, size_t c) {
    if (name == "step_to") return steps[g];
    if (name == "id") return ids[s];
    if (name == "group") return groups[s];
    if (name == "position") return std::to_string(p);
    return name == "kind" ? kinds[c] : layers[c];
  };
  const std::vector<std::string> names = {"step_to", "id", "group", "position", "kind", "layer"};
  for (const std::string& first : names) {
    for (const std::string& second : names) {
      if (first == second) continue;
      SCOPED_TRACE(first + "," + second);
      const QueryResult result = ask(grouped({first, second}));
      EXPECT_EQ(result.columns[0].name, first);
      EXPECT_EQ(result.columns[1].name, second);
      const auto key = [&](size_t g, size_t s, size_t p, size_t c) {
        return Key{value(first, g, s, p, c), value(second, g, s, p, c)};
      };
      expect_near(table_of(result), means_by_hand(key));
      Query sums = grouped({first, second});
      sums.sum = {"sample"};
      EXPECT_EQ(table_of(ask(sums)), by_hand(key));
    }
  }
}

TEST_F(Queries, SumLeavesTheOtherAxes) {
  Query query;
  query.sum = {"position", "sample"};
  const QueryResult result = ask(query);
  ASSERT_EQ(result.columns.size(), 3U);  // step_from, step_to, component
  const std::vector<std::string> from = {"0", "10", "100"},
                                 names = {"embed", "l0.q", "l0.up", "l1.q", "l1.up", "l1.down"};
  EXPECT_EQ(table_of(result), by_hand([&](size_t g, size_t, size_t, size_t c) {
              return Key{from[g], steps[g], names[c]};
            }));
  EXPECT_EQ(result.units, "nat");
}

TEST_F(Queries, SelectByValueAlternativesRangesAndWildcards) {
  const auto total = [&](const std::vector<std::string>& selections) {
    Query query = grouped({"position"}, selections);
    query.sum = {"sample"};
    const QueryResult result = ask(query);
    double sum = 0;
    for (const double value : result.values) sum += value;
    return sum;
  };
  const auto expected = [](const std::function<bool(size_t, size_t, size_t, size_t)>& inside) {
    return by_hand([&](size_t g, size_t s, size_t p, size_t c) {
      return inside(g, s, p, c) ? Key{"all"} : Key{};
    })[{"all"}];
  };
  EXPECT_EQ(total({"step=100"}), expected([](size_t g, size_t, size_t, size_t) { return g == 1; }));
  EXPECT_EQ(total({"step=0:100"}),
            expected([](size_t g, size_t, size_t, size_t) { return g <= 1; }));
  EXPECT_EQ(total({"sample=b|d"}),
            expected([](size_t, size_t s, size_t, size_t) { return s == 1 || s == 3; }));
  EXPECT_EQ(total({"group=en", "layer=0:1"}), expected([](size_t, size_t s, size_t, size_t c) {
              return groups[s] == "en" && c >= 1;
            }));
  EXPECT_EQ(total({"component=l*.up|embed", "position=2:"}),
            expected([](size_t, size_t, size_t p, size_t c) {
              return p >= 2 && (c == 0 || c == 2 || c == 4);
            }));
  EXPECT_EQ(total({"kind=m*"}),
            expected([](size_t, size_t, size_t, size_t c) { return kinds[c] == "mlp"; }));
}

TEST_F(Queries, SelectionsAreOnePerCoordinateAndNameWhatThereIs) {
  EXPECT_THAT(refusal(grouped({"kind"}, {"group=de", "group=en"})),
              AllOf(HasSubstr("'group'"), HasSubstr("twice")));
  EXPECT_THAT(refusal(grouped({"kind"}, {"sample=a", "id=b"})), HasSubstr("twice"));
  EXPECT_THAT(refusal(grouped({"kind"}, {"group=de|fr"})),
              AllOf(HasSubstr("nothing has group=fr"), HasSubstr("de, en")));
  EXPECT_THAT(refusal(grouped({"kind"}, {"step=5:7"})), HasSubstr("10, 100, 1000"));
  EXPECT_THAT(refusal(grouped({"kind"}, {"kind=mlp", "layer=-1"})), HasSubstr("together"));
  EXPECT_THAT(refusal(grouped({"kind", "kind"})), HasSubstr("twice"));
  EXPECT_EQ(table_of(ask(grouped({"step_to"}, {"step=0:10|100:"}))).size(), 2U);
  EXPECT_EQ(table_of(ask(grouped({"step_to"}, {"step=10|1000"}))).size(), 2U);
}

TEST_F(Queries, TopKeepsTheLargestInSize) {
  Query query = grouped({"kind"});
  query.top = 2;
  EXPECT_THAT(ask(query).keys, ElementsAre(Key{"mlp"}, Key{"attention"}));
  query.top = 100;
  EXPECT_EQ(ask(query).keys.size(), 3U);
}

TEST_F(Queries, TheFirstRowsAloneSayHowManyThereAre) {
  Query query;
  query.first = 7;
  const QueryResult result = ask(query);
  EXPECT_EQ(result.values.size(), 7U);
  EXPECT_EQ(result.keys.size(), 7U);
  EXPECT_EQ(result.rows, 3 * 5 * 4 * 6);
  EXPECT_EQ(result.values[6], cell(0, 0, 1, 0));
}

TEST_F(Queries, WhatIsNotThereIsNamed) {
  EXPECT_THAT(refusal(grouped({"colour"})), HasSubstr("colour"));
  EXPECT_THAT(refusal(grouped({"kind"}, {"layer=7"})), HasSubstr("layer=7"));
  EXPECT_THAT(refusal(grouped({"kind"}, {"colour=7"})), HasSubstr("colour"));
  Query query;
  query.sum = {"token"};
  EXPECT_THAT(refusal(query), HasSubstr("token"));
  query = {};
  query.variable = "phi";
  EXPECT_THAT(refusal(query), HasSubstr("phi"));
}

TEST_F(Queries, WhatIsNotCommittedIsLeftOutAndCounted) {
  write_store(file.path(), small_schema({true, false, true}), {1});  // segment 0, samples c and d
  const QueryResult result = ask(grouped({"id"}));
  EXPECT_THAT(result.keys, ElementsAre(Key{"c"}, Key{"d"}));
  EXPECT_EQ(result.uncommitted, (3 * 5 - 2) * 4 * 6);
}

}  // namespace
}  // namespace explaind::testing
