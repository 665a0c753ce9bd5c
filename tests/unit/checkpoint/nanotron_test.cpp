// Checkpoints of nanotron: what is put together of ranks' files, and every way in which they do not
// fit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "checkpoint/convert.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_states.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::ElementsAre;
using testing::Entries;
using ::testing::HasSubstr;
using testing::pickled;
using testing::TemporaryFolder;

/// One layer, hidden size 4, one head of four numbers for queries and one for keys, inner size 2;
/// two tensor-parallel ranks.
class NanotronFolder : public ::testing::Test {
 protected:
  const std::string block = "model/model/decoder/0/pp_block/";

  /// A file of the tensor "data", counting up from `first`.
  void write(const std::string& path, const std::vector<int64_t>& shape, float first,
             const std::string& slices = "", const std::string& whole = "") {
    int64_t count = 1;
    for (const int64_t length : shape) count *= length;
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(first + static_cast<float>(i));
    nlohmann::json header{
        {"data", {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {0, 4 * count}}}}};
    if (!slices.empty()) {
      header["__metadata__"] = {
          {"version", "1.4"}, {"local_global_slices_pairs", slices}, {"unsharded_shape", whole}};
    }
    testing::write_bytes(folder / path,
                         testing::safetensors(header.dump(), testing::f32_bytes(values)));
  }
  static std::string ranked(const std::string& folder, int rank) {
    return folder + "/model_weight_pp-rank-0-of-1_tp-rank-" + std::to_string(rank) +
           "-of-2.safetensors";
  }
  /// Along the columns.
  void write_down(int rank, const std::string& columns) {
    write(ranked(block + "mlp/down_proj", rank), {4, 1}, 10 * static_cast<float>(rank),
          "None,None,None|None,None,None#None,None,None|" + columns + ",None", "(4, 2)");
  }
  void SetUp() override {
    write("model/model/token_position_embeddings/pp_block/token_embedding/model_weight.safetensors",
          {5, 4}, 0);
    write("model/model/final_layer_norm/pp_block/model_weight.safetensors", {4}, 0);
    write(block + "input_layernorm/model_weight.safetensors", {4}, 0);
    write(block + "post_attention_layernorm/model_weight.safetensors", {4}, 0);
    write(block + "attn/o_proj/model_weight.safetensors", {4, 4}, 0);
    write_down(0, "0,1");
    write_down(1, "1,2");
    for (const int rank : {0, 1}) {  // of gate and of up one row each
      const std::string r = std::to_string(rank), next = std::to_string(rank + 1);
      const std::string up = std::to_string(rank + 2), end = std::to_string(rank + 3);
      write(ranked(block + "mlp/gate_up_proj", rank), {2, 4}, 100 * static_cast<float>(rank),
            "0,1,None|None,None,None#" + r + "," + next +
                ",None|None,None,None;1,2,None|None,None,"
                "None#" +
                up + "," + end + ",None|None,None,None",
            "(4, 4)");
    }
    write(block + "attn/qkv_proj/model_weight.safetensors", {12, 4}, 0);
    write_config();
    testing::write_bytes(folder / "checkpoint_metadata.json",
                         R"({"version": "1.4", "tp": 2, "dp": 1})");
  }
  void write_config() { testing::write_bytes(folder / "model_config.json", config.dump()); }
  [[nodiscard]] std::map<std::string, std::vector<double>> weights() const {
    const auto state = testing::open_prepared(folder.path());
    std::map<std::string, std::vector<double>> all;
    for (const TensorView& each : state->weights()) {
      std::vector<double> values(static_cast<size_t>(each.elements()));
      to_double(each, values);
      all.emplace(each.name, values);
    }
    return all;
  }
  std::string opening() {
    return data_error([this] { open_saved_state(folder.path()); });
  }
  std::string asking() {
    return data_error([this] { open_saved_state(folder.path())->optimizer(); });
  }
  /// The state of the final norm alone; the rest is frozen.
  void write_optimizer(int rank, float step = 3, float moment = 1, double rate = 0.5,
                       const std::string& name = "model.final_layer_norm.pp_block.weight") {
    testing::TorchWriter file;
    const std::string state = pickled(Entries{{"step", file.scalar(step)},
                                              {"exp_avg", file.tensor({moment, 2, 3, 4})},
                                              {"exp_avg_sq", file.tensor({5, 6, 7, 8})}});
    file.write(
        folder /
            ("optimizer/optimizer_pp-0-of-1_tp-" + std::to_string(rank) + "-of-2_exp-0-of-1.pt"),
        pickled(Entries{{"state", testing::pickled_by_number({state})},
                        {"names", testing::pickled_by_number({pickled(name)})},
                        {"param_groups",
                         testing::pickled_list({pickled(testing::adamw_entries(0, 0.1, rate))})}}));
  }

  TemporaryFolder folder;
  nlohmann::json config{{"is_llama_config", true},   {"hidden_size", 4},
                        {"num_attention_heads", 1},  {"num_key_value_heads", 1},
                        {"intermediate_size", 2},    {"num_hidden_layers", 1},
                        {"vocab_size", 5},           {"max_position_embeddings", 8},
                        {"rope_interleaved", false}, {"tie_word_embeddings", true},
                        {"rms_norm_eps", 1e-5},      {"hidden_act", "silu"}};
};

TEST_F(NanotronFolder, IsPutTogether) {
  const auto found = weights();
  EXPECT_EQ(found.size(), 11U);
  EXPECT_THAT(found.at("model.layers.0.mlp.down_proj.weight"),
              ElementsAre(0, 10, 1, 11, 2, 12, 3, 13));
  EXPECT_THAT(found.at("model.layers.0.mlp.gate_proj.weight"),
              ElementsAre(0, 1, 2, 3, 100, 101, 102, 103));
  EXPECT_THAT(found.at("model.layers.0.mlp.up_proj.weight"),
              ElementsAre(4, 5, 6, 7, 104, 105, 106, 107));
  EXPECT_EQ(found.at("model.layers.0.self_attn.k_proj.weight")[0], 16);
  const auto said = open_saved_state(folder.path())->config();
  ASSERT_TRUE(said);
  EXPECT_EQ((*said)["architectures"][0], "LlamaForCausalLM");
  EXPECT_EQ((*said)["tie_word_embeddings"], true);
}

TEST_F(NanotronFolder, WhoseRotaryEmbeddingTurnsNeighboursHasRowsInAnotherOrder) {
  for (const bool said : {true, false}) {  // older versions know no other way, and say nothing
    config.erase("rope_interleaved");
    if (said) config["rope_interleaved"] = true;
    write_config();
    const auto found = weights();
    const std::vector<double>& query = found.at("model.layers.0.self_attn.q_proj.weight");
    EXPECT_THAT((std::vector<double>{query[0], query[4], query[8], query[12]}),
                ElementsAre(0, 8, 4, 12));
    EXPECT_EQ(found.at("model.layers.0.self_attn.v_proj.weight")[4], 36);
  }
}

TEST_F(NanotronFolder, WithoutAFileOfARankIsRefusedByItsName) {
  fs::remove(folder / ranked(block + "mlp/down_proj", 1));
  EXPECT_THAT(opening(),
              HasSubstr("has no model_weight_pp-rank-0-of-1_tp-rank-1-of-2.safetensors"));
}

TEST_F(NanotronFolder, WhosePartsDoNotFitIsRefused) {
  write_down(1, "0,1");
  EXPECT_THAT(
      opening(),
      HasSubstr(
          "the parts of model.decoder.0.pp_block.mlp.down_proj.weight overlap from row 0 on"));
  write_down(1, "2,3");
  EXPECT_THAT(opening(), HasSubstr("its slices do not fit its shape"));
  write_down(1, "1,x");
  EXPECT_THAT(opening(), HasSubstr("its slices are none"));
  write(ranked(block + "mlp/down_proj", 1), {4, 1}, 0);
  EXPECT_THAT(opening(),
              HasSubstr("does not say which part of the tensor it is (unsharded_shape)"));
  write_down(1, "1,2");
  write(block + "mlp/down_proj/model_weight.safetensors", {4, 2}, 0);
  EXPECT_THAT(opening(), HasSubstr("of two kinds of division"));
}

TEST_F(NanotronFolder, OfAnotherModelIsRefused) {
  config["is_llama_config"] = false;
  write_config();
  EXPECT_THAT(opening(), HasSubstr("is of another model than Llama's"));
  config["is_llama_config"] = true;
  config["moe_config"] = {{"num_experts", 8}};
  write_config();
  EXPECT_THAT(opening(), HasSubstr("mixture of experts"));
  config.erase("moe_config");
  config["num_key_value_heads"] = 2;
  write_config();
  EXPECT_THAT(opening(),
              AllOf(HasSubstr("qkv_proj.weight is [12, 4]"), HasSubstr("makes it 20 rows")));
  config["num_key_value_heads"] = 1;
  config.erase("hidden_size");
  write_config();
  EXPECT_THAT(opening(), HasSubstr("does not say hidden_size"));
  config["hidden_size"] = 4;
  write_config();
  write(block + "attn/k_norm/model_weight.safetensors", {4}, 0);
  EXPECT_THAT(opening(), HasSubstr("attn.k_norm.weight, which no Llama has"));
}

TEST_F(NanotronFolder, SaysWhatModelItIs) {
  config.erase("is_llama_config");
  config["is_qwen2_config"] = true;
  config["no_rope_layer"] = 1;
  write_config();
  EXPECT_EQ((*open_saved_state(folder.path())->config())["model_type"], "smollm3");
  EXPECT_EQ((*open_saved_state(folder.path())->config())["no_rope_layers"], nlohmann::json({0}));
  config.erase("no_rope_layer");
  config["attention_bias"] = true;
  write_config();
  EXPECT_EQ((*open_saved_state(folder.path())->config())["model_type"], "qwen2");
  config["sliding_window_size"] = 3;
  write_config();
  EXPECT_FALSE(open_saved_state(folder.path())->config());
  config.erase("sliding_window_size");
  config["z_loss_enabled"] = true;
  config["z_loss_coefficient"] = 1e-5;
  write_config();
  EXPECT_THAT(open_saved_state(folder.path())->notes(),
              ::testing::Contains(HasSubstr("a z-loss of 1e-05")));
}

TEST_F(NanotronFolder, HasAnOptimizerOnWhichRanksAgree) {
  EXPECT_THAT(asking(), HasSubstr("has no optimizer/optimizer_"));
  write_optimizer(0);
  EXPECT_THAT(opening(), HasSubstr("has no optimizer_pp-0-of-1_tp-1-of-2"));
  write_optimizer(1);
  const auto state = testing::open_prepared(folder.path());
  ASSERT_EQ(state->optimizer().moments.size(), 1U);
  EXPECT_EQ(state->optimizer().moments[0].name, "model.norm.weight");
  EXPECT_EQ(state->optimizer().moments[0].updates, 3);
  write_optimizer(1, 4);
  EXPECT_THAT(asking(), HasSubstr("is of step 4, group 0 for model.final_layer_norm"));
  write_optimizer(1, 3, 1.5F);
  EXPECT_THAT(asking(),
              HasSubstr("ranks that share model.final_layer_norm.pp_block.weight disagree"));
  write_optimizer(1, 3, 1, 0.25);
  EXPECT_THAT(asking(), HasSubstr("other hyper-parameters than the other ranks"));
  write_optimizer(1);
  write_optimizer(0, 3, 1, 0.5, "model.other.pp_block.weight");
  EXPECT_THAT(asking(), HasSubstr("has a state of model.other.pp_block.weight"));
  write_optimizer(0);
  testing::TorchWriter().write(
      folder / "lr_scheduler/lr_scheduler.pt",
      pickled(Entries{{"_last_lr", testing::pickled_list({testing::pickled_number(0.125)})}}));
  EXPECT_THAT(asking(), AllOf(HasSubstr("lr_scheduler.pt"), HasSubstr("the scheduler says 0.125")));
}

TEST_F(NanotronFolder, OfExpertsIsRefused) {
  write_optimizer(0);
  fs::rename(folder / "optimizer/optimizer_pp-0-of-1_tp-0-of-2_exp-0-of-1.pt",
             folder / "optimizer/optimizer_pp-0-of-1_tp-0-of-2_exp-0-of-2.pt");
  EXPECT_THAT(opening(), HasSubstr("is of experts"));
}

}  // namespace
}  // namespace explaind
