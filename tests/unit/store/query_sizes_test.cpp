// Sizes instead of signed sums, and which samples are alike.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
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

}  // namespace
}  // namespace explaind::testing
