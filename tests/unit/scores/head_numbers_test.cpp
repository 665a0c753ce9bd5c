// Heads and key-value heads of components, with grouped queries and without.

#include "scores/head_numbers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace explaind {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// Queries of 4 heads, keys and their bias, outputs; then an MLP. 8 rows of queries.
std::vector<ParameterInfo> attention(int key_heads) {
  std::vector<ParameterInfo> all;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape, int heads) {
    ParameterInfo info;
    info.name = name;
    info.shape = std::move(shape);
    info.layer = 1;
    info.layer_name = "layer.1";
    info.kind = "attention";
    info.heads = heads;
    all.push_back(info);
  };
  add("q", {8, 3}, 4);
  add("k", {2 * key_heads, 3}, key_heads);
  add("k.bias", {2 * key_heads}, key_heads);
  add("o", {3, 8}, 4);
  all.back().heads_by_input = true;
  add("up", {2, 3}, 0);
  return all;
}

TEST(HeadNumbers, KeyValueHeadsOfGroupedQueriesHaveTheirOwn) {
  const HeadNumbers found = head_numbers({Granularity::head, attention(2)});
  EXPECT_THAT(found.head, ElementsAre(0, 1, 2, 3, -1, -1, -1, -1, 0, 1, 2, 3, -1));
  EXPECT_THAT(found.kv_head, ElementsAre(-1, -1, -1, -1, 0, 1, 0, 1, -1, -1, -1, -1, -1));
}

TEST(HeadNumbers, OneKeyValueHeadForAllIsOne) {
  const HeadNumbers found = head_numbers({Granularity::head, attention(1)});
  EXPECT_THAT(found.head, ElementsAre(0, 1, 2, 3, -1, -1, 0, 1, 2, 3, -1));
  EXPECT_THAT(found.kv_head, ElementsAre(-1, -1, -1, -1, 0, 0, -1, -1, -1, -1, -1));
}

TEST(HeadNumbers, RowsBelongToTheHeadTheyAreIn) {
  const HeadNumbers found = head_numbers({Granularity::row, attention(2)});
  EXPECT_THAT(found.head, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3,             // q
                                      -1, -1, -1, -1, -1, -1, -1, -1,     // k, k.bias
                                      -1, -1, -1, -1, -1));               // o's rows are of no head
  EXPECT_THAT(found.kv_head, ElementsAre(-1, -1, -1, -1, -1, -1, -1, -1,  //
                                         0, 0, 1, 1, 0, 0, 1, 1,          //
                                         -1, -1, -1, -1, -1));
}

TEST(HeadNumbers, KeysOfEveryHeadAreTheHeads) {
  const HeadNumbers found = head_numbers({Granularity::head, attention(4)});
  EXPECT_THAT(found.head, ElementsAre(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, -1));
  EXPECT_THAT(found.kv_head, Each(-1));
}

TEST(HeadNumbers, TensorsAndLayersHaveNone) {
  for (const Granularity granularity :
       {Granularity::tensor, Granularity::layer, Granularity::kind}) {
    const HeadNumbers found = head_numbers({granularity, attention(2)});
    EXPECT_THAT(found.head, Each(-1));
    EXPECT_THAT(found.kv_head, Each(-1));
  }
}

}  // namespace
}  // namespace explaind
