// Queries against sums over all cells by hand.

#include "store/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "core/error.hpp"
#include "store/similarity.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> steps = {"10", "100", "1000"}, ids = {"a", "b", "c", "d", "e"},
                               groups = {"de", "en", "de", "de", "en"},
                               kinds = {"embedding", "attention", "mlp", "attention", "mlp", "mlp"},
                               layers = {"-1", "0", "0", "1", "1", "1"};

using Key = std::vector<std::string>;
using Table = std::map<Key, double>;

Table table_of(const QueryResult& result) {
  Table table;
  for (size_t i = 0; i < result.values.size(); ++i) {
    EXPECT_TRUE(table.emplace(result.keys[i], result.values[i]).second) << "a key appears twice";
  }
  return table;
}

/// Of each key the mean over its samples of the sum over everything else; `key` gives nothing for a
/// cell that does not take part.
Table means_by_hand(
    const std::function<Key(size_t segment, size_t sample, size_t position, size_t component)>& key,
    const std::function<double(int64_t, int64_t, int64_t, int64_t)>& value = cell) {
  std::map<Key, std::map<size_t, double>> sums;  // per sample
  for (size_t g = 0; g < 3; ++g) {
    for (size_t s = 0; s < 5; ++s) {
      for (size_t p = 0; p < 4; ++p) {
        for (size_t c = 0; c < 6; ++c) {
          const Key of = key(g, s, p, c);
          if (of.empty()) continue;
          sums[of][s] += value(static_cast<int64_t>(g), static_cast<int64_t>(s),
                               static_cast<int64_t>(p), static_cast<int64_t>(c));
        }
      }
    }
  }
  Table table;
  for (const auto& [of, samples] : sums) {
    for (const auto& [sample, sum] : samples)
      table[of] += sum / static_cast<double>(samples.size());
  }
  return table;
}

void expect_near(const Table& found, const Table& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [key, value] : expected) {
    ASSERT_TRUE(found.contains(key)) << ::testing::PrintToString(key);
    EXPECT_NEAR(found.at(key), value, 1e-12 * std::abs(value)) << ::testing::PrintToString(key);
  }
}

/// Σ of the cells of each key; `key` gives nothing for a cell that does not take part.
Table by_hand(const std::function<Key(size_t segment, size_t sample, size_t position,
                                      size_t component)>& key) {
  Table table;
  for (size_t g = 0; g < 3; ++g) {
    for (size_t s = 0; s < 5; ++s) {
      for (size_t p = 0; p < 4; ++p) {
        for (size_t c = 0; c < 6; ++c) {
          const Key of = key(g, s, p, c);
          if (!of.empty()) {
            table[of] += cell(static_cast<int64_t>(g), static_cast<int64_t>(s),
                              static_cast<int64_t>(p), static_cast<int64_t>(c));
          }
        }
      }
    }
  }
  return table;
}

/// cell() with signs of no order, so that sums cancel inside |·| and samples differ.
double signed_cell(int64_t segment, int64_t row, int64_t position, int64_t component) {
  const bool negative = (row * 7 + segment * 5 + position * 3 + component * component) % 4 < 2;
  return (negative ? -1 : 1) * cell(segment, row, position, component);
}

void write_signed_store(const std::filesystem::path& path) {
  const StoreSchema schema = small_schema({true, false, true});
  create_store(path, schema, true);
  StoreWriter writer(path, schema, Communicator::self());
  for (int64_t index = 0; index < schema.units.size(); ++index) {
    ScoreTile tile = tile_of(schema, index);
    size_t place = 0;
    for (int64_t s = tile.unit.sample_begin; s < tile.unit.sample_end; ++s) {
      for (int64_t p = 0; p < 4; ++p) {
        for (int64_t c = 0; c < 6; ++c) {
          tile.psi[place++] = signed_cell(tile.unit.segment, s, p, c);
        }
      }
    }
    writer.write(tile);
  }
  writer.close();
}

class Queries : public ::testing::Test {
 protected:
  TemporaryFile file;
  void SetUp() override { write_store(file.path(), small_schema({true, false, true})); }
  [[nodiscard]] QueryResult ask(const Query& query) const {
    return run(StoreReader(file.path()), query);
  }
  [[nodiscard]] std::string refusal(const Query& query) const {
    try {
      static_cast<void>(ask(query));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
};

Query grouped(std::vector<std::string> by, std::vector<std::string> selections = {}) {
  Query query;
  query.group_by = std::move(by);
  query.select = std::move(selections);
  return query;
}

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

TEST_F(Queries, TopKeepsTheLargestInSize) {
  Query query = grouped({"kind"});
  query.top = 2;
  EXPECT_THAT(ask(query).keys, ElementsAre(Key{"mlp"}, Key{"attention"}));
  query.top = 100;
  EXPECT_EQ(ask(query).keys.size(), 3U);
}

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

TEST_F(Queries, WhatIsNotCommittedIsLeftOutAndCounted) {
  write_store(file.path(), small_schema({true, false, true}), {1});  // segment 0, samples c and d
  const QueryResult result = ask(grouped({"id"}));
  EXPECT_THAT(result.keys, ElementsAre(Key{"c"}, Key{"d"}));
  EXPECT_EQ(result.uncommitted, (3 * 5 - 2) * 4 * 6);
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

/// Σ over the cells that `outer` tells apart of |Σ over those it does not|, by `key`.
Table sizes_by_hand(const std::function<Key(size_t, size_t, size_t, size_t)>& key,
                    const std::function<Key(size_t, size_t, size_t, size_t)>& outer) {
  std::map<Key, Table> sums;
  for (size_t g = 0; g < 3; ++g) {
    for (size_t s = 0; s < 5; ++s) {
      for (size_t p = 0; p < 4; ++p) {
        for (size_t c = 0; c < 6; ++c) {
          // Signs alternate, so that sums inside |·| cancel.
          sums[key(g, s, p, c)][outer(g, s, p, c)] +=
              signed_cell(static_cast<int64_t>(g), static_cast<int64_t>(s), static_cast<int64_t>(p),
                          static_cast<int64_t>(c));
        }
      }
    }
  }
  Table table;
  for (const auto& [k, parts] : sums) {
    for (const auto& [ignored, sum] : parts) table[k] += std::abs(sum);
  }
  return table;
}

TEST_F(Queries, SizesAreSummedOutsideTheAxesGiven) {
  write_signed_store(file.path());
  Query query = grouped({"kind"});
  const auto kind = [](size_t, size_t, size_t, size_t c) { return Key{kinds[c]}; };
  query.absolute = {"segment", "sample"};
  query.sum = {"sample"};
  EXPECT_EQ(table_of(ask(query)), sizes_by_hand(kind, [](size_t g, size_t s, size_t, size_t c) {
              return Key{steps[g], ids[s], kinds[c]};
            }));
  EXPECT_EQ(
      ask(query).statement.words(),
      "sum of 3 segments, sum of 5 samples of |sum of 4 positions, sum of 1 to 3 components|");
  Query means = query;
  means.sum = {};
  Table expected = table_of(ask(query));
  for (auto& [of, value] : expected) value /= 5;
  expect_near(table_of(ask(means)), expected);
  EXPECT_THAT(ask(means).statement.words(), HasSubstr("mean of 5 samples"));
  EXPECT_EQ(ask(query).variable, "psi_abs");
  // An axis of the list is added up outside even where its own coordinates make the groups.
  query.absolute = {"component"};
  EXPECT_EQ(table_of(ask(query)), sizes_by_hand(kind, [](size_t, size_t, size_t, size_t c) {
              return Key{std::to_string(c)};
            }));
  query.absolute = {"segment", "sample", "position", "component"};
  query.select = {"step=100"};
  const Table every = table_of(ask(query));
  EXPECT_EQ(every, by_hand([](size_t g, size_t, size_t, size_t c) {  // the cells themselves are > 0
              return g == 1 ? Key{kinds[c]} : Key{};
            }));
}

TEST_F(Queries, AnAxisThatWasSummedBeforeItWasStoredStaysInside) {
  Query query = grouped({"kind"});
  query.absolute = {"train_sample"};
  EXPECT_THAT(refusal(query), AllOf(HasSubstr("train_sample"), HasSubstr("stays inside")));
}

TEST_F(Queries, SimilarityOfSamplesByTheirScores) {
  write_signed_store(file.path());
  const StoreReader store(file.path());
  const auto vector = [](size_t s, bool positions) {  // over segments, kinds and positions
    std::vector<double> of(size_t{3} * 3 * 4, 0.0);
    for (size_t g = 0; g < 3; ++g) {
      for (size_t p = 0; p < 4; ++p) {
        for (size_t c = 0; c < 6; ++c) {
          const size_t k = kinds[c] == "mlp" ? 2 : kinds[c] == "attention" ? 1 : 0;
          of[(g * 3 + k) * 4 + (positions ? p : 0)] +=
              signed_cell(static_cast<int64_t>(g), static_cast<int64_t>(s), static_cast<int64_t>(p),
                          static_cast<int64_t>(c));
        }
      }
    }
    return of;
  };
  const auto cosine = [&](size_t a, size_t b, bool positions) {
    double product = 0, of_a = 0, of_b = 0;
    const std::vector<double> x = vector(a, positions), y = vector(b, positions);
    for (size_t i = 0; i < x.size(); ++i) {
      product += x[i] * y[i];
      of_a += x[i] * x[i];
      of_b += y[i] * y[i];
    }
    return product / std::sqrt(of_a * of_b);
  };
  for (const bool positions : {false, true}) {
    Query query;
    query.group_by = {"step_to", "kind"};
    if (positions) query.group_by.emplace_back("position");
    const QueryResult result = similarity(store, query, "sample");
    ASSERT_EQ(result.values.size(), 25U);
    EXPECT_THAT(result.shape, ElementsAre(5, 5));
    for (size_t a = 0; a < 5; ++a) {
      for (size_t b = 0; b < 5; ++b) {
        EXPECT_EQ(result.keys[a * 5 + b], (Key{ids[a], ids[b]}));
        EXPECT_NEAR(result.values[a * 5 + b], cosine(a, b, positions), 1e-12) << a << " " << b;
      }
    }
    EXPECT_LT(std::abs(result.values[1]), 0.999) << "these samples differ";
  }
  Query summed;
  summed.sum = {"position", "segment"};
  summed.top = 3;
  const QueryResult top = similarity(store, summed, "sample");
  ASSERT_EQ(top.values.size(), 3U);
  EXPECT_GE(top.values[0], top.values[1]);
  EXPECT_NE(top.keys[0][0], top.keys[0][1]) << "a sample beside itself says nothing";
  EXPECT_THROW(static_cast<void>(similarity(store, summed, "train_sample")), UsageError);
  Query own;
  own.group_by = {"group"};
  EXPECT_THROW(static_cast<void>(similarity(store, own, "sample")), UsageError);
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

TEST_F(Queries, TheFirstRowsAloneSayHowManyThereAre) {
  Query query;
  query.first = 7;
  const QueryResult result = ask(query);
  EXPECT_EQ(result.values.size(), 7U);
  EXPECT_EQ(result.keys.size(), 7U);
  EXPECT_EQ(result.rows, 3 * 5 * 4 * 6);
  EXPECT_EQ(result.values[6], cell(0, 0, 1, 0));
}

}  // namespace
}  // namespace explaind::testing
