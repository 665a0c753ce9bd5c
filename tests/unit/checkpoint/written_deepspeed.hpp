#pragma once
// Checkpoints of DeepSpeed, written file by file.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_states.hpp"

namespace explaind::testing {

/// What DeepSpeed's own library wrote.
inline std::filesystem::path deepspeed_goldens() {
  return std::filesystem::path(EXPLAIND_TEST_DATA) / "saved_states";
}

/// Two ranks, two groups: a (4 numbers) and b (3), c (2). The first rank has a and one of b.
class ZeroFolder : public ::testing::Test {
 protected:
  void write_model(const std::string& module = pickled(Entries{})) {
    Entries entries{
        {"module", module},
        {"buffer_names", "]"},
        {"param_shapes",
         pickled_list({pickled(Entries{{"a", pickled_shape({2, 2})}, {"b", pickled_shape({3})}}),
                       pickled(Entries{{"c", pickled_shape({2})}})})},
        {"shared_params", "}"},
        {"lr_scheduler", scheduler},
        {"ds_config", config}};
    TorchWriter().write(folder / "mp_rank_00_model_states.pt", pickled(entries));
  }
  struct Rank {
    std::vector<float> first, second;  ///< the flat groups' numbers
    float step = 3;
    std::string stage = "K\x01";
    std::string partitions = "K\x02";
    Entries more{}, state{};
    double decay = 0.1;
    bool moments = true;
  };
  void write_rank(int number, const Rank& rank) {
    TorchWriter file;
    const auto state = [&](const std::vector<float>& flat, float add) {
      std::vector<float> moment = flat, square = flat;
      for (float& each : moment) each += add;
      for (float& each : square) each += 2 * add;
      Entries entries{{"step", file.scalar(rank.step)}, {"exp_avg", file.tensor(moment)}};
      if (rank.moments) entries.emplace_back("exp_avg_sq", file.tensor(square));
      entries.insert(entries.end(), rank.state.begin(), rank.state.end());
      return pickled(entries);
    };
    const std::string base = pickled(Entries{
        {"state", pickled_by_number({state(rank.first, 100), state(rank.second, 100)})},
        {"param_groups",
         pickled_list({pickled(adamw_entries(0, rank.decay)), pickled(adamw_entries(1, 0))})}});
    Entries entries{{"single_partition_of_fp32_groups",
                     pickled_list({file.tensor(rank.first), file.tensor(rank.second)})},
                    {"base_optimizer_state", base},
                    {"zero_stage", rank.stage},
                    {"partition_count", rank.partitions}};
    entries.insert(entries.end(), rank.more.begin(), rank.more.end());
    file.write(path(number), pickled(Entries{{"optimizer_state_dict", pickled(entries)}}));
  }
  [[nodiscard]] std::filesystem::path path(int number) const {
    return folder / ("zero_pp_rank_" + std::to_string(number) + "_mp_rank_00_optim_states.pt");
  }
  void SetUp() override {
    write_model();
    write_rank(0, first);
    write_rank(1, second);
  }
  [[nodiscard]] auto weights() const { return weights_in(folder.path()); }

  TemporaryFolder folder;
  std::string scheduler = "N", config = "N";
  Rank first{.first = {1, 2, 3, 4}, .second = {8}};
  Rank second{.first = {5, 6, 7, 0}, .second = {9}};
};

/// A Llama of two layers as Megatron-DeepSpeed's pipeline numbers it: hidden size 4, two heads of
/// two numbers, one key-value head.
class MegatronFolder : public ::testing::Test {
 protected:
  using Shapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;
  void write() {
    Entries listed;
    for (const auto& [name, shape] : shapes) {
      listed.emplace_back(name, pickled_shape(shape));
      int64_t count = 1;
      for (const int64_t length : shape) count *= length;
      for (const char* file : {"fp32", "exp_avg", "exp_avg_sq"}) {
        std::vector<float> numbers(static_cast<size_t>(count));
        for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
        TorchWriter writer;
        const std::string tensor = writer.tensor(numbers, shape);
        writer.write(folder / "zero" / name / (std::string(file) + ".pt"),
                     pickled(Entries{{"param", tensor}, {"cat_dim", "K\x01"}}));
      }
      TorchWriter().write(folder / "zero" / name / "step.pt", pickled(int64_t{7}));
    }
    TorchWriter().write(
        folder / "zero" / "optimizer_state.pt",
        pickled(Entries{{"param_groups", pickled_list({pickled(adamw_entries(0))})}}));
    TorchWriter().write(folder / "mp_rank_00_model_states.pt",
                        pickled(Entries{{"module", "N"},
                                        {"param_shapes", pickled_list({pickled(listed)})},
                                        {"args", pickled_object("argparse\nNamespace", arguments)},
                                        {"checkpoint_version", pickled_number(version)}}));
  }
  [[nodiscard]] auto weights() const { return weights_in(folder.path()); }
  static Shapes layer(const std::string& number) {
    return {{number + ".input_layernorm.weight", {4}},
            {number + ".self_attention.query_key_value.weight", {8, 1}},
            {number + ".self_attention.dense.weight", {4, 4}},
            {number + ".post_attention_layernorm.weight", {4}},
            {number + ".mlp.dense_h_to_4h.weight", {6, 1}},
            {number + ".mlp.dense_4h_to_h.weight", {4, 3}}};
  }
  void SetUp() override {
    shapes = {
        {"1.word_embeddings.weight", {5, 4}}, {"5.weight", {4}}, {"6.lm_head.weight", {5, 4}}};
    for (const char* number : {"3", "4"}) {
      for (auto& each : layer(number)) shapes.push_back(std::move(each));
    }
    write();
  }

  TemporaryFolder folder;
  Shapes shapes;
  double version = 3.0;
  Entries arguments{{"swiglu", "\x88"},
                    {"num_layers", "K\x02"},
                    {"hidden_size", "K\x04"},
                    {"ffn_hidden_size", "K\x03"},
                    {"num_attention_heads", "K\x02"},
                    {"num_key_value_heads", "K\x01"}};
};

}  // namespace explaind::testing
