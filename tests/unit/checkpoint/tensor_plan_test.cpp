// Tensors in boxes and in flattened fragments, and the names of training programs.

#include "checkpoint/layouts/tensor_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <list>

#include "checkpoint/convert.hpp"
#include "checkpoint/layouts/fragments.hpp"
#include "checkpoint/layouts/tensor_naming.hpp"
#include "core/elements.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::HasSubstr;

/// Whole tensors whose elements are their places, cut into boxes.
class Cut {
 public:
  explicit Cut(std::vector<int64_t> shape) : shape_(std::move(shape)) {}

  void add(const std::vector<int64_t>& offsets, const std::vector<int64_t>& sizes) {
    std::vector<float>& values = held_.emplace_back();
    std::vector<int64_t> index(shape_.size(), 0);
    for (int64_t i = 0; i < elements(sizes); ++i) {
      int64_t rest = i, place = 0, stride = 1;
      for (size_t axis = shape_.size(); axis-- > 0;) {
        place += (offsets[axis] + rest % sizes[axis]) * stride;
        rest /= sizes[axis];
        stride *= shape_[axis];
      }
      values.push_back(static_cast<float>(place));
    }
    boxes_.push_back({.offsets = offsets,
                      .sizes = sizes,
                      .data = reinterpret_cast<const std::byte*>(values.data())});
  }
  [[nodiscard]] BoxedTensor tensor() const { return {"w", Dtype::f32, shape_, boxes_, "here"}; }

 private:
  std::vector<int64_t> shape_;
  std::list<std::vector<float>> held_;
  std::vector<Box> boxes_;
};

std::vector<float> copied(const BoxedTensor& tensor, int64_t first, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count), -1);
  tensor.copy(first, count, reinterpret_cast<std::byte*>(values.data()));
  return values;
}

TEST(BoxedTensor, EveryRangeIsCopied) {
  Cut cut({3, 4, 5});
  cut.add({0, 0, 0}, {2, 4, 2});
  cut.add({0, 0, 2}, {2, 4, 3});
  cut.add({2, 0, 0}, {1, 1, 5});
  cut.add({2, 1, 0}, {1, 3, 5});
  const BoxedTensor tensor = cut.tensor();
  for (int64_t first = 0; first < 60; ++first) {
    for (int64_t count = 0; first + count <= 60; ++count) {
      const std::vector<float> values = copied(tensor, first, count);
      for (int64_t i = 0; i < count; ++i) {
        ASSERT_EQ(values[static_cast<size_t>(i)], static_cast<float>(first + i));
      }
    }
  }
  EXPECT_EQ(tensor.contiguous(0, 60), nullptr);
  EXPECT_EQ(tensor.contiguous(0, 3), nullptr);
  ASSERT_NE(tensor.contiguous(45, 15), nullptr);  // the last box, and a part of it
  float value = 0;
  std::memcpy(&value, tensor.contiguous(47, 13), sizeof(value));
  EXPECT_EQ(value, 47);
  EXPECT_EQ(tensor.contiguous(44, 2), nullptr);
}

TEST(BoxedTensor, ScalarsAndEmptyOnes) {
  Cut scalar({});
  scalar.add({}, {});
  EXPECT_EQ(copied(scalar.tensor(), 0, 1), std::vector<float>{0});
  EXPECT_NE(scalar.tensor().contiguous(0, 1), nullptr);
  Cut empty({0, 3});
  EXPECT_EQ(empty.tensor().elements(), 0);
}

TEST(BoxedTensor, HolesAndOverlapsAreRefused) {
  const auto error =
      [](const std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>>& boxes) {
        Cut cut({4, 4});
        for (const auto& [offsets, sizes] : boxes) cut.add(offsets, sizes);
        return data_error([&] { static_cast<void>(cut.tensor()); });
      };
  EXPECT_THAT(error({{{0, 0}, {2, 4}}}), HasSubstr("leave a hole: they have 8 of its 16"));
  EXPECT_THAT(error({{{0, 0}, {3, 4}}, {{2, 0}, {2, 4}}}), HasSubstr("overlap"));
  // As many elements as the tensor, one twice and one not at all.
  EXPECT_THAT(error({{{0, 0}, {4, 2}}, {{0, 1}, {4, 2}}}), HasSubstr("overlap"));
  EXPECT_THAT(error({{{0, 0}, {4, 2}}, {{3, 1}, {1, 2}}, {{0, 3}, {4, 1}}}), HasSubstr("overlap"));
  EXPECT_THAT(error({}), HasSubstr("0 of its 16"));
}

TEST(PlannedTensors, ViewsWhatLiesInOnePieceAndCopiesTheRest) {
  Cut cut({4, 2});
  cut.add({0, 0}, {2, 2});
  cut.add({2, 0}, {2, 2});
  const std::map<std::string, BoxedTensor> sources{{"w", cut.tensor()}};
  using Plans = std::vector<TensorPlan>;
  const PlannedTensors planned({{"first", {2, 2}, {{"w", 0, 4}}},
                                {"turned", {4}, {{"w", 6, 2}, {"w", 0, 2}}},
                                {"middle", {2}, {{"w", 3, 2}}}},
                               sources, "here");
  ASSERT_EQ(planned.views().size(), 3U);
  EXPECT_EQ(planned.views()[0].data, sources.at("w").contiguous(0, 4));
  planned.prepare(planned.views()[2]);  // and all others with it
  std::vector<float> turned(4), middle(2);
  to_float(planned.views()[1], turned);
  to_float(planned.views()[2], middle);
  EXPECT_EQ(turned, (std::vector<float>{6, 7, 0, 1}));
  EXPECT_EQ(middle, (std::vector<float>{3, 4}));
  EXPECT_THAT(planned.note(), HasSubstr("2 tensors lie in parts"));
  EXPECT_THAT(data_error([&] {
                PlannedTensors(Plans{{"x", {3}, {{"w", 0, 2}}}}, sources, "here");
              }),
              HasSubstr("x has 2 elements there, and its shape is [3]"));
  EXPECT_THAT(data_error([&] {
                PlannedTensors(Plans{{"x", {4}, {{"w", 6, 4}}}}, sources, "here");
              }),
              HasSubstr("too small for x"));
}

TEST(Fragments, EveryElementIsFound) {
  const std::vector<int64_t> whole{4, 6}, saved{2, 3, 4};  // fragments of 2 × 2
  ASSERT_TRUE(is_in_fragments(saved, whole));
  EXPECT_FALSE(is_in_fragments({2, 3, 5}, whole));
  EXPECT_FALSE(is_in_fragments({4, 6}, whole));
  EXPECT_FALSE(is_in_fragments({3, 3, 4}, whole));
  for (int64_t first = 0; first < 24; ++first) {
    for (int64_t count = 1; first + count <= 24; ++count) {
      std::vector<int64_t> places;
      for (const ElementRun& run : in_fragments({"w", first, count}, saved, whole)) {
        for (int64_t i = 0; i < run.count; ++i) places.push_back(run.first + i);
      }
      ASSERT_EQ(static_cast<int64_t>(places.size()), count);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t row = (first + i) / 6, column = (first + i) % 6;
        ASSERT_EQ(places[static_cast<size_t>(i)],
                  (row / 2 * 3 + column / 2) * 4 + row % 2 * 2 + column % 2);
      }
    }
  }
}

nlohmann::json small_llama() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", 8},
          {"intermediate_size", 6},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"vocab_size", 10},
          {"max_position_embeddings", 16},
          {"rms_norm_eps", 1e-5},
          {"tie_word_embeddings", false}};
}

/// Where each row of a planned tensor lies in its source.
std::vector<int64_t> rows_of(const Naming& naming, const std::string& name, int64_t row) {
  std::vector<int64_t> rows;
  for (const TensorPlan& plan : naming.tensors) {
    if (plan.name != name) continue;
    for (const ElementRun& run : plan.runs) {
      for (int64_t i = 0; i < run.count; i += row) rows.push_back((run.first + i) / row);
    }
  }
  return rows;
}

TEST(Megatron, QueriesKeysAndValuesLieGroupByGroup) {
  const SavedShapes saved{{"decoder.layers.self_attention.linear_qkv.weight", {2, 16, 8}},
                          {"decoder.layers.mlp.linear_fc1.weight", {2, 12, 8}},
                          {"embedding.word_embeddings.weight", {16, 8}}};
  const Naming naming = name_tensors(
      saved, [] { return small_llama(); }, "here");
  // Heads of 2 rows; a group has two queries, a key and a value: 8 rows, a layer 16.
  EXPECT_EQ(rows_of(naming, "model.layers.0.self_attn.q_proj.weight", 8),
            (std::vector<int64_t>{0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(rows_of(naming, "model.layers.1.self_attn.k_proj.weight", 8),
            (std::vector<int64_t>{20, 21, 28, 29}));
  EXPECT_EQ(rows_of(naming, "model.layers.1.self_attn.v_proj.weight", 8),
            (std::vector<int64_t>{22, 23, 30, 31}));
  EXPECT_EQ(rows_of(naming, "model.layers.1.mlp.gate_proj.weight", 8),
            (std::vector<int64_t>{12, 13, 14, 15, 16, 17}));
  EXPECT_EQ(rows_of(naming, "model.layers.0.mlp.up_proj.weight", 8),
            (std::vector<int64_t>{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(rows_of(naming, "model.embed_tokens.weight", 8).size(), 10U);
}

TEST(Megatron, WhatHasNoPlaceIsNamed) {
  const auto error = [](const std::string& name, std::vector<int64_t> shape,
                        const nlohmann::json& config = small_llama()) {
    const SavedShapes saved{{"embedding.word_embeddings.weight", {16, 8}}, {name, shape}};
    return data_error([&] {
      name_tensors(
          saved, [&] { return config; }, "here");
    });
  };
  EXPECT_THAT(error("decoder.layers.mlp.router.weight", {2, 4, 8}),
              HasSubstr("decoder.layers.mlp.router.weight of Megatron has no place in a Llama"));
  EXPECT_THAT(error("mtp.layers.0.x.weight", {8}), HasSubstr("mtp.layers.0.x.weight"));
  EXPECT_THAT(error("decoder.layers.self_attention.linear_qkv.weight", {2, 12, 8}),
              HasSubstr("does not fit the sizes in config.json"));
  EXPECT_THAT(error("decoder.layers.self_attention.linear_qkv.weight", {3, 16, 8}),
              HasSubstr("does not fit the sizes in config.json"));
  EXPECT_THAT(error("decoder.layers.mlp.linear_fc1.weight", {2, 6, 8}),
              HasSubstr("does not fit the sizes in config.json"));
  EXPECT_THAT(error("output_layer.weight", {9, 8}), HasSubstr("does not fit"));
}

TEST(Meta, PairsOfNeighboursBecomeHalves) {
  const SavedShapes saved{{"layers.0.attention.wq.weight", {8, 3}},
                          {"layers.0.attention.wv.weight", {4, 3}}};
  nlohmann::json config = small_llama();
  config["num_attention_heads"] = 2;
  config["num_key_value_heads"] = 1;  // heads of 4 rows
  const Naming naming = name_tensors(
      saved, [&] { return config; }, "here");
  EXPECT_EQ(rows_of(naming, "model.layers.0.self_attn.q_proj.weight", 3),
            (std::vector<int64_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(rows_of(naming, "model.layers.0.self_attn.v_proj.weight", 3),
            (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(OlmoCore, NormsStandWhereTheFamilyHasThem) {
  const SavedShapes saved{{"blocks.1.attention_norm.weight", {8}},
                          {"blocks.1.feed_forward_norm.weight", {8}},
                          {"blocks.1.attention.w_q.weight", {8, 8}}};
  const auto names = [&](const char* type) {
    std::vector<std::string> found;
    for (const TensorPlan& plan : name_tensors(
                                      saved,
                                      [&] {
                                        return nlohmann::json{{"model_type", type}};
                                      },
                                      "here")
                                      .tensors) {
      found.push_back(plan.name.substr(std::string("model.layers.1.").size()));
    }
    return found;
  };
  EXPECT_THAT(names("olmo2"),
              ::testing::ElementsAre("self_attn.q_proj.weight", "post_attention_layernorm.weight",
                                     "post_feedforward_layernorm.weight"));
  EXPECT_THAT(names("llama"),
              ::testing::ElementsAre("self_attn.q_proj.weight", "input_layernorm.weight",
                                     "post_attention_layernorm.weight"));
  const SavedShapes experts{{"blocks.1.attention.w_q.weight", {8, 8}},
                            {"blocks.1.feed_forward_moe.router.weight", {8}}};
  EXPECT_THAT(data_error([&] {
                name_tensors(
                    experts,
                    [] {
                      return nlohmann::json{{"model_type", "olmo2"}};
                    },
                    "here");
              }),
              HasSubstr("blocks.1.feed_forward_moe.router.weight of OLMo-core has no place"));
}

}  // namespace
}  // namespace explaind
