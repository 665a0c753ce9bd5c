// Universal checkpoints of DeepSpeed, and those of Megatron-DeepSpeed among them: every way in
// which one can be damaged.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "checkpoint/layouts/saved_state.hpp"
#include "unit/checkpoint/written_deepspeed.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_states.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::asking;
using testing::deepspeed_goldens;
using ::testing::ElementsAre;
using testing::Entries;
using ::testing::HasSubstr;
using testing::MegatronFolder;
using testing::opening;
using testing::pickled;
using testing::TemporaryFolder;
using testing::values_in;

class UniversalFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::copy(deepspeed_goldens() / "zero2" / "global_step3_universal", folder.path(),
             fs::copy_options::recursive);
  }
  TemporaryFolder folder;
  const std::string norm = "zero/model.norm.weight/";
};

TEST_F(UniversalFolder, WithoutAFileIsRefusedByItsName) {
  fs::remove(folder / (norm + "exp_avg.pt"));
  EXPECT_THAT(asking(folder.path()), HasSubstr("has no zero/model.norm.weight/exp_avg.pt"));
  fs::remove(folder / (norm + "fp32.pt"));
  EXPECT_THAT(opening(folder.path()), HasSubstr("has no zero/model.norm.weight/fp32.pt"));
}

TEST_F(UniversalFolder, WithoutAStepOrHyperParametersIsRefused) {
  fs::rename(folder / (norm + "step.pt"), folder / "step.pt");
  EXPECT_THAT(asking(folder.path()), HasSubstr("has no zero/model.norm.weight/step.pt"));
  fs::rename(folder / "step.pt", folder / (norm + "step.pt"));
  fs::remove(folder / "zero" / "optimizer_state.pt");
  EXPECT_THAT(asking(folder.path()), HasSubstr("has no zero/optimizer_state.pt"));
}

TEST_F(UniversalFolder, OfAParameterWithoutGradientHasNoState) {
  for (const char* file : {"exp_avg.pt", "exp_avg_sq.pt", "step.pt"})
    fs::remove(folder / (norm + file));
  EXPECT_EQ(open_saved_state(folder.path())->optimizer().moments.size(), 9U);
}

TEST_F(UniversalFolder, ThatListsNotAllIsRefused) {
  fs::copy(folder / "zero" / "model.norm.weight", folder / "zero" / "model.other.weight",
           fs::copy_options::recursive);
  EXPECT_THAT(opening(folder.path()),
              AllOf(HasSubstr("model.other.weight has moments"), HasSubstr("lists it")));
}

TEST_F(MegatronFolder, BecomesALlama) {
  const auto found = weights();
  EXPECT_EQ(found.size(), 3U + 2 * 9);
  EXPECT_TRUE(found.contains("model.embed_tokens.weight"));
  EXPECT_TRUE(found.contains("model.norm.weight"));
  EXPECT_TRUE(found.contains("lm_head.weight"));
  EXPECT_THAT(found.at("model.layers.1.self_attn.q_proj.weight"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(found.at("model.layers.1.self_attn.k_proj.weight"), ElementsAre(4, 5));
  EXPECT_THAT(found.at("model.layers.1.self_attn.v_proj.weight"), ElementsAre(6, 7));
  EXPECT_THAT(found.at("model.layers.0.mlp.gate_proj.weight"), ElementsAre(0, 1, 2));
  EXPECT_THAT(found.at("model.layers.0.mlp.up_proj.weight"), ElementsAre(3, 4, 5));
  const auto state = testing::open_prepared(folder.path());
  const SavedOptimizer& optimizer = testing::prepared_optimizer(*state);
  EXPECT_EQ(optimizer.moments.size(), found.size());
  for (const SavedMoments& each : optimizer.moments) {
    EXPECT_EQ(each.updates, 7);
    EXPECT_EQ(values_in(each.first), found.at(each.name)) << each.name;
  }
}

TEST_F(MegatronFolder, HasQueriesAndKeysOfEachGroupTogether) {
  arguments[5].second = "K\x02";  // as many key-value heads: q, k, v of each
  shapes.clear();
  SetUp();
  for (auto& [name, shape] : shapes) {
    if (name.ends_with("query_key_value.weight")) shape = {12, 1};
  }
  write();
  EXPECT_THAT(weights().at("model.layers.0.self_attn.q_proj.weight"), ElementsAre(0, 1, 6, 7));
  EXPECT_THAT(weights().at("model.layers.0.self_attn.k_proj.weight"), ElementsAre(2, 3, 8, 9));
  EXPECT_THAT(weights().at("model.layers.0.self_attn.v_proj.weight"), ElementsAre(4, 5, 10, 11));
  // The other form: queries apart, keys and values together.
  for (auto& [name, shape] : shapes) {
    if (!name.ends_with("query_key_value.weight")) continue;
    name = name.substr(0, 2) + "self_attention.key_value.weight";
    shape = {8, 1};
  }
  for (const char* number : {"3", "4"}) {
    shapes.push_back({std::string(number) + ".self_attention.query.weight", {4, 1}});
  }
  fs::remove_all(folder / "zero");
  write();
  EXPECT_THAT(weights().at("model.layers.0.self_attn.q_proj.weight"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(weights().at("model.layers.0.self_attn.k_proj.weight"), ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(weights().at("model.layers.0.self_attn.v_proj.weight"), ElementsAre(2, 3, 6, 7));
}

TEST_F(MegatronFolder, ThatIsNoLlamaIsRefused) {
  const auto without = [&](size_t i) {
    const Entries before = arguments;
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i));
    write();
    arguments = before;
    return opening(folder.path());
  };
  EXPECT_THAT(without(0), HasSubstr("no gate (swiglu)"));
  EXPECT_THAT(without(1), HasSubstr("does not say num_layers"));
  version = 0;
  write();
  EXPECT_THAT(opening(folder.path()), HasSubstr("checkpoint_version"));
  version = 3;
  arguments[1].second = "K\x03";
  write();
  EXPECT_THAT(opening(folder.path()), HasSubstr("has 2 layers, and was trained with 3"));
  arguments[1].second = "K\x02";
  shapes.push_back({"3.self_attention.dense.bias", {4}});
  write();
  EXPECT_THAT(opening(folder.path()), HasSubstr("3.self_attention.dense.bias, which no Llama has"));
  shapes.pop_back();
  for (auto& [name, shape] : shapes) {
    if (name.starts_with("4.")) name[0] = '7';
  }
  write();
  EXPECT_THAT(opening(folder.path()), HasSubstr("has no layer 4 of the pipeline"));
}

TEST_F(MegatronFolder, SaysItsConfigWhereItSaysAll) {
  EXPECT_FALSE(open_saved_state(folder.path())->config());
  const Entries more{{"normalization", pickled(std::string("rmsnorm"))},
                     {"rope_theta", testing::pickled_number(5e5)},
                     {"layernorm_epsilon", testing::pickled_number(1e-5)},
                     {"max_position_embeddings", "K\x20"},
                     {"use_rotary_position_embeddings", "\x88"},
                     {"untie_embeddings_and_output_weights", "\x88"}};
  arguments.insert(arguments.end(), more.begin(), more.end());
  write();
  const auto config = open_saved_state(folder.path())->config();
  ASSERT_TRUE(config);
  EXPECT_EQ((*config)["rope_theta"], 5e5);
  EXPECT_EQ((*config)["vocab_size"], 5);
  EXPECT_EQ((*config)["tie_word_embeddings"], false);
  EXPECT_EQ((*config)["num_key_value_heads"], 1);
}

}  // namespace
}  // namespace explaind
