// The component axis at each granularity: labels and places.

#include "scores/component.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.hpp"

namespace explaind {
namespace {

ParameterInfo matrix(const std::string& name, int64_t rows, int64_t columns, int layer,
                     const std::string& layer_name, const std::string& kind, int heads = 0,
                     bool by_column = false) {
  return {.name = name,
          .shape = {rows, columns},
          .layer = layer,
          .layer_name = layer_name,
          .kind = kind,
          .heads = heads,
          .heads_by_input = by_column};
}

/// Two layers whose tensors interleave kinds; grouped queries (4 heads, 2 key heads).
std::vector<ParameterInfo> model() {
  std::vector<ParameterInfo> all = {matrix("embed", 7, 4, -1, "embedding", "embedding")};
  for (int layer = 0; layer < 2; ++layer) {
    const std::string at = "layer." + std::to_string(layer);
    ParameterInfo norm;
    norm.name = at + ".norm";
    norm.shape = {4};
    norm.layer = layer;
    norm.layer_name = at;
    norm.kind = "norm";
    all.push_back(norm);
    all.push_back(matrix(at + ".q", 8, 4, layer, at, "attention", 4));
    all.push_back(matrix(at + ".k", 4, 4, layer, at, "attention", 2));
    all.push_back(matrix(at + ".o", 4, 8, layer, at, "attention", 4, true));
    all.push_back(matrix(at + ".up", 5, 4, layer, at, "mlp"));
  }
  all.push_back(matrix("unembed", 7, 4, 2, "unembedding", "unembedding"));
  return all;
}

std::vector<std::string> names(const ComponentTable& table) {
  std::vector<std::string> all;
  for (const Component& each : table.components()) all.push_back(each.name);
  return all;
}

TEST(Granularity, IsReadByItsWord) {
  for (const Granularity each : {Granularity::kind, Granularity::layer, Granularity::tensor,
                                 Granularity::head, Granularity::row}) {
    EXPECT_EQ(parse_granularity(to_string(each)), each);
  }
  EXPECT_THROW(parse_granularity("column"), UsageError);
}

TEST(ComponentTable, TensorsAreTheModelsInItsOrder) {
  const ComponentTable table(Granularity::tensor, model());
  ASSERT_EQ(table.size(), 12);
  EXPECT_TRUE(table.sums_of_tensors());
  for (int64_t i = 0; i < table.size(); ++i) {
    const Component& component = table.components()[static_cast<size_t>(i)];
    EXPECT_EQ(component.name, model()[static_cast<size_t>(i)].name);
    EXPECT_EQ(component.tensor, component.name);
    EXPECT_EQ(component.head, -1);
    EXPECT_EQ(component.index, -1);
    EXPECT_EQ(table.slot(i).first, i);
    EXPECT_EQ(table.slot(i).count, 1);
    EXPECT_EQ(table.slot(i).division, Division::whole);
  }
}

TEST(ComponentTable, KindsAndLayersJoinTensors) {
  const ComponentTable kinds(Granularity::kind, model());
  EXPECT_THAT(names(kinds), ::testing::UnorderedElementsAre("embedding", "norm", "attention", "mlp",
                                                            "unembedding"));
  EXPECT_EQ(kinds.slot(2).first, kinds.slot(9).first);  // queries of layer 0, outputs of layer 1
  EXPECT_NE(kinds.slot(2).first, kinds.slot(5).first);
  EXPECT_EQ(kinds.components()[static_cast<size_t>(kinds.slot(5).first)].name, "mlp");
  const ComponentTable layers(Granularity::layer, model());
  EXPECT_THAT(names(layers),
              ::testing::ElementsAre("embedding", "layer.0", "layer.1", "unembedding"));
  EXPECT_EQ(layers.slot(1).first, 1);
  EXPECT_EQ(layers.slot(10).first, 2);
  EXPECT_EQ(layers.components()[2].layer, 1);
  EXPECT_EQ(layers.components()[2].kind, "");
  EXPECT_EQ(layers.components()[3].kind, "unembedding");
  EXPECT_TRUE(layers.sums_of_tensors());
}

TEST(ComponentTable, HeadsDivideProjectionsAndNothingElse) {
  const ComponentTable table(Granularity::head, model());
  EXPECT_FALSE(table.sums_of_tensors());
  const ParameterSlot q = table.slot(2), k = table.slot(3), o = table.slot(4), up = table.slot(5);
  EXPECT_EQ(q.count, 4);
  EXPECT_EQ(q.division, Division::row_blocks);
  EXPECT_EQ(k.count, 2);
  EXPECT_EQ(k.division, Division::row_blocks);
  EXPECT_EQ(o.count, 4);
  EXPECT_EQ(o.division, Division::column_blocks);
  EXPECT_EQ(up.count, 1);
  EXPECT_EQ(up.division, Division::whole);
  for (int head = 0; head < 4; ++head) {
    const Component& each = table.components()[static_cast<size_t>(o.first + head)];
    EXPECT_EQ(each.head, head);
    EXPECT_EQ(each.tensor, "layer.0.o");
  }
  EXPECT_EQ(table.size(), 2 + 2 * (1 + 4 + 2 + 4 + 1));
}

TEST(ComponentTable, RowsAreCountedTensorByTensor) {
  const ComponentTable table(Granularity::row, model());
  int64_t next = 0;
  for (size_t i = 0; i < model().size(); ++i) {
    const ParameterSlot& slot = table.slot(static_cast<int64_t>(i));
    EXPECT_EQ(slot.first, next);
    EXPECT_EQ(slot.count, model()[i].shape[0]);
    for (int64_t row = 0; row < slot.count; ++row) {
      const Component& each = table.components()[static_cast<size_t>(next + row)];
      EXPECT_EQ(each.index, row);
      EXPECT_EQ(each.tensor, model()[i].name);
      EXPECT_EQ(each.layer, model()[i].layer);
    }
    next += slot.count;
  }
  EXPECT_EQ(table.size(), next);
  // The rows of a query know their head: 8 rows, 4 heads.
  EXPECT_EQ(table.components()[static_cast<size_t>(table.slot(2).first + 5)].head, 2);
}

TEST(ComponentTable, NamesAreDistinct) {
  for (const Granularity granularity : {Granularity::kind, Granularity::layer, Granularity::tensor,
                                        Granularity::head, Granularity::row}) {
    std::vector<std::string> all = names(ComponentTable(granularity, model()));
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << to_string(granularity);
  }
}

/// What a component is called and which head it is of.
std::vector<std::pair<std::string, int>> heads_of(const ComponentTable& table) {
  std::vector<std::pair<std::string, int>> found;
  for (const Component& each : table.components()) found.emplace_back(each.name, each.head);
  return found;
}

ParameterInfo fused(bool parts_first) {
  ParameterInfo info = matrix("qkv", 12, 4, 0, "layer.0", "attention", 2);
  info.fused = true;
  info.parts_first = parts_first;
  return info;
}

TEST(ComponentTable, HeadsOfAFusedProjectionAreToldApart) {
  const ComponentTable by_head(Granularity::head, {fused(false)});
  EXPECT_THAT(heads_of(by_head),
              ::testing::ElementsAre(
                  ::testing::Pair("qkv.q.head.0", 0), ::testing::Pair("qkv.k.head.0", 0),
                  ::testing::Pair("qkv.v.head.0", 0), ::testing::Pair("qkv.q.head.1", 1),
                  ::testing::Pair("qkv.k.head.1", 1), ::testing::Pair("qkv.v.head.1", 1)));
  EXPECT_EQ(by_head.slot(0).division, Division::row_blocks);
  EXPECT_EQ(by_head.slot(0).count, 6);
  const ComponentTable by_part(Granularity::head, {fused(true)});
  EXPECT_THAT(heads_of(by_part),
              ::testing::ElementsAre(
                  ::testing::Pair("qkv.q.head.0", 0), ::testing::Pair("qkv.q.head.1", 1),
                  ::testing::Pair("qkv.k.head.0", 0), ::testing::Pair("qkv.k.head.1", 1),
                  ::testing::Pair("qkv.v.head.0", 0), ::testing::Pair("qkv.v.head.1", 1)));
}

TEST(ComponentTable, RowsOfAFusedProjectionKnowTheirHead) {
  const ComponentTable by_head(Granularity::row, {fused(false)});
  const ComponentTable by_part(Granularity::row, {fused(true)});
  std::vector<int> first, second;  // two rows of every range
  for (const auto& [name, head] : heads_of(by_head)) first.push_back(head);
  for (const auto& [name, head] : heads_of(by_part)) second.push_back(head);
  EXPECT_THAT(first, ::testing::ElementsAre(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(second, ::testing::ElementsAre(0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1));
}

TEST(ComponentTable, RowsAreOutputsWhereTheFileHoldsThemAsColumns) {
  ParameterInfo info = matrix("conv1d", 3, 5, 0, "layer.0", "mlp");
  info.columns_are_outputs = true;
  const ComponentTable table(Granularity::row, {info});
  EXPECT_EQ(table.size(), 5);
  EXPECT_EQ(table.slot(0).count, 5);
}

TEST(ComponentTable, ANeuronJoinsTheMatricesOfItsLayer) {
  std::vector<ParameterInfo> all;
  for (int layer = 0; layer < 2; ++layer) {
    const std::string at = "layer." + std::to_string(layer);
    all.push_back(matrix(at + ".norm", 4, 1, layer, at, "norm"));
    for (const char* name : {".gate", ".up"}) {
      all.push_back(matrix(at + name, 3, 4, layer, at, "mlp"));
      all.back().neurons = 3;
    }
    all.push_back(matrix(at + ".down", 4, 3, layer, at, "mlp"));
    all.back().neurons = 3;
    all.back().neurons_by_input = true;
  }
  const ComponentTable table(Granularity::neuron, all);
  EXPECT_THAT(names(table),
              ::testing::ElementsAre("layer.0.norm", "layer.0.neuron.0", "layer.0.neuron.1",
                                     "layer.0.neuron.2", "layer.1.norm", "layer.1.neuron.0",
                                     "layer.1.neuron.1", "layer.1.neuron.2"));
  for (const int64_t parameter : {1, 2, 3}) {
    EXPECT_EQ(table.slot(parameter).first, 1);
    EXPECT_EQ(table.slot(parameter).count, 3);
  }
  EXPECT_EQ(table.slot(1).division, Division::rows);
  EXPECT_EQ(table.slot(3).division, Division::column_blocks);
  EXPECT_EQ(table.slot(5).first, 5);
  EXPECT_FALSE(table.sums_of_tensors());
  EXPECT_EQ(table.components()[5].kind, "mlp");
  EXPECT_EQ(table.components()[5].layer, 1);
}

}  // namespace
}  // namespace explaind
