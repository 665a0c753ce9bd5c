#pragma once
// Queries of a small store, and what they should say, from its cells by hand.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "store/query.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {

/// Coordinates of the small store: per segment step_to, per sample id and group, per component kind
/// and layer.
inline const std::vector<std::string> steps = {"10", "100", "1000"},
                                      ids = {"a", "b", "c", "d", "e"},
                                      groups = {"de", "en", "de", "de", "en"},
                                      kinds = {"embedding", "attention", "mlp",
                                               "attention", "mlp",       "mlp"},
                                      layers = {"-1", "0", "0", "1", "1", "1"};

using Key = std::vector<std::string>;
using Table = std::map<Key, double>;

/// The row that a cell goes to; nothing for one that does not take part.
using KeyOfCell =
    std::function<Key(size_t segment, size_t sample, size_t position, size_t component)>;

Table table_of(const QueryResult& result);

/// Σ of the cells of each key.
Table by_hand(const KeyOfCell& key);

/// Of each key the mean over its samples of the sum over everything else.
Table means_by_hand(const KeyOfCell& key);

void expect_near(const Table& found, const Table& expected);

/// cell() with signs of no order, so that sums cancel inside |·| and samples differ.
double signed_cell(int64_t segment, int64_t row, int64_t position, int64_t component);
void write_signed_store(const std::filesystem::path& path);

/// Keeps these coordinates.
Query grouped(std::vector<std::string> by, std::vector<std::string> selections = {});

/// A store with the axes sample and position.
class Queries : public ::testing::Test {
 protected:
  TemporaryFile file;
  void SetUp() override { write_store(file.path(), small_schema({true, false, true})); }
  [[nodiscard]] QueryResult ask(const Query& query) const {
    return run(StoreReader(file.path()), query);
  }
  /// What the error says; "accepted" where there is none.
  [[nodiscard]] std::string refusal(const Query& query) const;
};

}  // namespace explaind::testing
