#include "unit/store/query_fixture.hpp"

#include <cmath>

#include "core/error.hpp"

namespace explaind::testing {
namespace {

/// Every cell of the small store.
template <typename Visit>
void for_every_cell(const Visit& visit) {
  for (size_t g = 0; g < 3; ++g) {
    for (size_t s = 0; s < 5; ++s) {
      for (size_t p = 0; p < 4; ++p) {
        for (size_t c = 0; c < 6; ++c) {
          visit(g, s, p, c,
                cell(static_cast<int64_t>(g), static_cast<int64_t>(s), static_cast<int64_t>(p),
                     static_cast<int64_t>(c)));
        }
      }
    }
  }
}

}  // namespace

Table table_of(const QueryResult& result) {
  Table table;
  for (size_t i = 0; i < result.values.size(); ++i) {
    EXPECT_TRUE(table.emplace(result.keys[i], result.values[i]).second) << "a key appears twice";
  }
  return table;
}

Table by_hand(const KeyOfCell& key) {
  Table table;
  for_every_cell([&](size_t g, size_t s, size_t p, size_t c, double value) {
    const Key of = key(g, s, p, c);
    if (!of.empty()) table[of] += value;
  });
  return table;
}

Table means_by_hand(const KeyOfCell& key) {
  std::map<Key, std::map<size_t, double>> sums;  // per sample
  for_every_cell([&](size_t g, size_t s, size_t p, size_t c, double value) {
    const Key of = key(g, s, p, c);
    if (!of.empty()) sums[of][s] += value;
  });
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

Query grouped(std::vector<std::string> by, std::vector<std::string> selections) {
  Query query;
  query.group_by = std::move(by);
  query.select = std::move(selections);
  return query;
}

std::string Queries::refusal(const Query& query) const {
  try {
    static_cast<void>(ask(query));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace explaind::testing
