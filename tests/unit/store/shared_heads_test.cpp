// Key-value heads shared among the heads that query them, against numbers by hand.

#include "store/shared_heads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/store/query_fixture.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Heads {
  int queries = 4, keys = 2, values = 2, outputs = 4;
};

/// Queries, keys, values and outputs of a layer, and a matrix without heads.
void add_layer(int layer, const Heads& heads, std::vector<ParameterInfo>& parameters) {
  const auto add = [&](const std::string& name, int count, bool by_column) {
    ParameterInfo parameter;
    parameter.name = "l" + std::to_string(layer) + "." + name;
    parameter.shape = {by_column ? 1 : 2 * count, by_column ? 2 * count : 1};
    if (count == 0) parameter.shape = {1, 1};
    parameter.layer = layer;
    parameter.layer_name = "layer." + std::to_string(layer);
    parameter.kind = count == 0 ? "mlp" : "attention";
    parameter.heads = count;
    parameter.heads_by_input = by_column;
    parameters.push_back(parameter);
  };
  add("q", heads.queries, false);
  add("k", heads.keys, false);
  add("v", heads.values, false);
  add("o", heads.outputs, true);
  add("up", 0, false);
}

/// A store of small_store.hpp with other components; scores are cell()'s, positions are added up.
StoreSchema schema_of(const std::vector<Heads>& layers,
                      Granularity granularity = Granularity::head) {
  StoreSchema schema = small_schema({true, false, false});
  std::vector<ParameterInfo> parameters;
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    add_layer(static_cast<int>(layer), layers[layer], parameters);
  }
  schema.components = ComponentTable(granularity, parameters);
  return schema;
}

Query shared(std::vector<std::string> by, std::vector<std::string> selections = {}) {
  Query query = grouped(std::move(by), std::move(selections));
  query.share_key_value_heads = true;
  return query;
}

/// One layer. Scores of the first segment's sample a: q .5 to 3.5, k 4.5 and 5.5, v 6.5 and 7.5,
/// o 8.5 to 11.5, up 12.5; of sample s 100 s more each, of segment g 1000 g.
class SharedHeads : public Queries {
 protected:
  void SetUp() override { write_store(file.path(), schema_of({{}})); }
  [[nodiscard]] Table table(const Query& query) const { return table_of(ask(query)); }
  using Queries::refusal;
  /// Of a store with these layers.
  [[nodiscard]] std::string refusal(const StoreSchema& schema) const {
    std::filesystem::remove(file.path());
    write_store(file.path(), schema);
    return refusal(shared({"layer", "head"}));
  }
};

const std::vector<std::string> first = {"step=10", "id=a"};

TEST_F(SharedHeads, AHeadHasItsQueriesAndOutputsAndItsShareOfKeysAndValues) {
  const QueryResult result = ask(shared({"layer", "head"}, first));
  EXPECT_THAT(result.keys, ElementsAre(Key{"0", "0"}, Key{"0", "1"}, Key{"0", "2"}, Key{"0", "3"},
                                       Key{"0", "-1"}));
  EXPECT_THAT(result.values, ElementsAre(0.5 + 8.5 + (4.5 + 6.5) / 2,   // heads 0 and 1 query
                                         1.5 + 9.5 + (4.5 + 6.5) / 2,   // key-value head 0,
                                         2.5 + 10.5 + (5.5 + 7.5) / 2,  // heads 2 and 3 the other
                                         3.5 + 11.5 + (5.5 + 7.5) / 2, 12.5));
  for (size_t row = 0; row < 4; ++row) EXPECT_EQ(result.counts[row].back(), 4) << "of components";
  EXPECT_EQ(result.statement.words(),
            "mean of 1 sample, sum of 1 to 4 components; each key-value head's score shared "
            "equally among its 2 query heads");
}

TEST_F(SharedHeads, WithoutThemKeysAndValuesAreOfNoHead) {
  Query query = shared({"head"}, first);
  query.share_key_value_heads = false;
  EXPECT_EQ(table(query).at({"0"}), 0.5 + 8.5);
  EXPECT_EQ(table(query).at({"-1"}), 4.5 + 5.5 + 6.5 + 7.5 + 12.5);
  EXPECT_EQ(ask(query).statement.words(), "mean of 1 sample, sum of 2 to 5 components");
}

TEST_F(SharedHeads, ARowOfAKeyValueHeadBecomesARowForEachHeadThatQueriesIt) {
  Query query = shared({}, {"step=10", "id=b", "component=l0.k*"});
  const QueryResult result = ask(query);
  ASSERT_EQ(result.columns.size(), 6U);
  EXPECT_EQ(result.columns[4].name, "component");
  EXPECT_EQ(result.columns[5].name, "head");
  EXPECT_THAT(result.values, ElementsAre(104.5 / 2, 104.5 / 2, 105.5 / 2, 105.5 / 2));
  for (size_t row = 0; row < 4; ++row) EXPECT_EQ(result.keys[row][5], std::to_string(row));
  EXPECT_EQ(result.keys[1][4], result.keys[0][4]);
  EXPECT_NE(result.keys[2][4], result.keys[1][4]);
}

TEST_F(SharedHeads, WhereSharesMeetAgainNothingChanges) {
  for (const char* axis : {"layer", "kind", "tensor", "component", "kv_head", "id", "step_to"}) {
    SCOPED_TRACE(axis);
    for (const bool mean : {false, true}) {
      Query query = shared({axis});
      if (mean) query.mean = {"component"};
      const QueryResult with = ask(query);
      query.share_key_value_heads = false;
      const QueryResult without = ask(query);
      EXPECT_EQ(with.keys, without.keys);
      EXPECT_EQ(with.counts, without.counts);
      for (size_t row = 0; row < with.values.size(); ++row) {
        EXPECT_NEAR(with.values[row], without.values[row], 1e-12 * std::abs(with.values[row]));
      }
    }
  }
}

TEST_F(SharedHeads, AMeanIsOverComponentsHoweverManyHeadsShareThem) {
  Query query = shared({"layer", "head"}, first);
  query.mean = {"component"};
  EXPECT_EQ(table(query).at({"0", "2"}), (2.5 + 10.5 + (5.5 + 7.5) / 2) / 4);
  query.group_by = {"layer"};
  EXPECT_EQ(table(query).at({"0"}), (0.5 + 12.5) / 2) << "the mean of .5, 1.5, …, 12.5";
  EXPECT_THAT(ask(query).statement.words(), HasSubstr("mean of 13 components"));
  query.absolute = {"component"};  // every score is positive: the same, though portions are apart
  EXPECT_EQ(table(query).at({"0"}), (0.5 + 12.5) / 2);
}

TEST_F(SharedHeads, SelectionsSeeTheHeadsThatShare) {
  EXPECT_EQ(table(shared({"head"}, {"step=10", "id=a", "head=3"})).at({"3"}),
            3.5 + 11.5 + (5.5 + 7.5) / 2);
  EXPECT_EQ(table(shared({"kv_head"}, {"step=10", "id=a", "kv_head=1"})).at({"1"}), 5.5 + 7.5);
  EXPECT_EQ(table(shared({"tensor"}, {"step=10", "id=a", "head=0:1", "kv_head=0"})).at({"l0.v"}),
            6.5);
  EXPECT_EQ(table(shared({"tensor"}, {"step=10", "id=a", "head=0|3"})).at({"l0.k"}),
            (4.5 + 5.5) / 2);
}

TEST_F(SharedHeads, ErrorsAreThoseOfTheSharedScores) {
  Query query = shared({"layer", "head"}, {"step=10"});
  query.error = true;
  const QueryResult result = ask(query);
  // 100 s a component in sample s of 5: 300 s a head, whose spread about 600 is 300 √(10/4).
  EXPECT_NEAR(result.values.at(0), 14.5 + 600, 1e-10);
  EXPECT_NEAR(result.errors.at(0), 300 * std::sqrt(10.0 / 4 / 5), 1e-10);
}

TEST_F(SharedHeads, WhatIsNotCommittedIsCountedAsItIsStored) {
  write_store(file.path(), schema_of({{}}), {0});  // segment 0, samples a and b
  const QueryResult result = ask(shared({"layer", "head"}));
  EXPECT_EQ(result.uncommitted, (3 * 5 - 2) * 13);
  EXPECT_EQ(result.values.at(0), 14.5 + 300.0 / 2);
}

TEST_F(SharedHeads, EveryLayerSharesAsItsHeadsDo) {
  std::filesystem::remove(file.path());
  write_store(file.path(), schema_of({{}, {.keys = 1, .values = 1}}));
  // Layer 1: q 13.5 to 16.5, k 17.5, v 18.5, o 19.5 to 22.5.
  EXPECT_EQ(table(shared({"layer", "head"}, first)).at({"1", "3"}),
            16.5 + 22.5 + (17.5 + 18.5) / 4);
  EXPECT_EQ(table(shared({"layer", "head"}, first)).at({"0", "3"}), 3.5 + 11.5 + (5.5 + 7.5) / 2);
  EXPECT_THAT(ask(shared({"head"}, first)).statement.words(),
              HasSubstr("among its 2 to 4 query heads"));
}

TEST_F(SharedHeads, RowsGoToTheHeadsThatQueryTheirs) {
  std::filesystem::remove(file.path());
  write_store(file.path(), schema_of({{}}, Granularity::row));
  // Two rows a head: q .5 to 7.5, k 8.5 to 11.5, v 12.5 to 15.5.
  const Table rows = table(shared({"head"}, first));
  EXPECT_EQ(rows.at({"1"}), 2.5 + 3.5 + (8.5 + 9.5 + 12.5 + 13.5) / 2);
  EXPECT_EQ(rows.at({"2"}), 4.5 + 5.5 + (10.5 + 11.5 + 14.5 + 15.5) / 2);
}

TEST_F(SharedHeads, WhatCannotBeSharedIsRefused) {
  Query query = shared({"id"});
  query.variable = "residual";
  EXPECT_THAT(refusal(query), AllOf(HasSubstr("--share-kv-heads"), HasSubstr("residual")));
  query = shared({"component"});
  query.variable = "layer";
  EXPECT_THAT(refusal(query), HasSubstr("layer holds no scores"));
  EXPECT_THAT(refusal(schema_of({{}}, Granularity::tensor)),
              AllOf(HasSubstr("not stored by head"), HasSubstr("--component head")));
  EXPECT_THAT(refusal(schema_of({{.keys = 4, .values = 4}})), HasSubstr("no heads share"));
  EXPECT_THAT(refusal(schema_of({{}, {.queries = 3, .outputs = 3}})),
              AllOf(HasSubstr("layer 1"), HasSubstr("l1.q has 3 heads"),
                    HasSubstr("l1.k has 2 key-value heads")));
  EXPECT_THAT(refusal(schema_of({{.keys = 1}})), HasSubstr("l0.k has 1 key-value head "));
  EXPECT_THAT(refusal(schema_of({{.queries = 8, .outputs = 4}})), HasSubstr("l0.q has 8 heads"));
}

}  // namespace
}  // namespace explaind::testing
