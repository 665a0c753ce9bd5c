// Checkpoints of DeepSpeed: what its own library wrote, and every way in which one can be damaged.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "checkpoint/convert.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/safetensors_file.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_states.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using testing::adamw_entries;
using ::testing::AllOf;
using testing::data_error;
using ::testing::ElementsAre;
using testing::Entries;
using ::testing::HasSubstr;
using testing::pickled;
using testing::TemporaryFolder;

const fs::path goldens = fs::path(EXPLAIND_TEST_DATA) / "saved_states";

std::vector<double> values_in(const TensorView& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.elements()));
  to_double(tensor, values);
  return values;
}
std::string opening(const fs::path& folder) {
  return data_error([&] { open_saved_state(folder); });
}
std::string asking(const fs::path& folder) {
  return data_error([&] { open_saved_state(folder)->optimizer(); });
}

class WrittenByDeepSpeed : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(WrittenByDeepSpeed, IsReadAsDeepSpeedReadsIt) {
  const auto [series, folder] = GetParam();
  const SafetensorsFile said(goldens / series / "said.safetensors");
  std::map<std::string, const TensorView*> expected;
  for (const TensorView& each : said.tensors()) expected.emplace(each.name, &each);
  ASSERT_TRUE(holds_saved_state(goldens / series / folder));
  const auto state = testing::open_prepared(goldens / series / folder);
  const nlohmann::json about =
      nlohmann::json::parse(testing::read_bytes(goldens / "deepspeed.json"));
  size_t count = 0;
  for (const TensorView& each : state->weights()) {
    ASSERT_TRUE(expected.contains(each.name)) << each.name;
    EXPECT_EQ(each.shape, expected[each.name]->shape) << each.name;
    EXPECT_EQ(values_in(each), values_in(*expected[each.name])) << each.name;
    ++count;
  }
  EXPECT_EQ(count, 11U);  // the tied matrix once
  const SavedOptimizer& optimizer = testing::prepared_optimizer(*state);
  EXPECT_EQ(optimizer.moments.size(), 10U);  // one is frozen
  for (const SavedMoments& each : optimizer.moments) {
    EXPECT_NE(each.name, about["frozen"]);
    EXPECT_EQ(values_in(each.first), values_in(*expected.at(each.name + ".exp_avg"))) << each.name;
    EXPECT_EQ(values_in(each.second), values_in(*expected.at(each.name + ".exp_avg_sq")));
    EXPECT_EQ(each.first.shape, expected.at(each.name)->shape);
    EXPECT_EQ(each.updates, about["updates"]);
    const AdamWGroup& group = optimizer.groups.at(each.group);
    const bool norm = each.name.find("norm") != std::string::npos;
    EXPECT_EQ(group.weight_decay, about["weight_decay"][norm ? "norm" : ""]) << each.name;
    EXPECT_EQ(group.learning_rate, about["learning_rate"]);
    EXPECT_EQ(group.beta1, about["beta1"]);
    EXPECT_EQ(group.beta2, about["beta2"]);
    EXPECT_EQ(group.epsilon, about["epsilon"]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, WrittenByDeepSpeed,
    ::testing::Values(std::pair("zero1", "global_step3"), std::pair("zero2", "global_step3"),
                      std::pair("zero3", "global_step3"),
                      std::pair("zero2", "global_step3_universal"),
                      std::pair("zero3", "global_step3_universal")),
    [](const auto& each) {
      return std::string(each.param.first) +
             (std::string(each.param.second).ends_with("universal") ? "universal" : "");
    });

TEST(DeepSpeedFolder, IsFoundWhereTrainersPutIt) {
  const TemporaryFolder folder;
  const fs::path checkpoint = folder / "checkpoint-3";
  fs::create_directories(checkpoint);
  fs::copy(goldens / "zero2" / "global_step3", checkpoint / "global_step3",
           fs::copy_options::recursive);
  EXPECT_FALSE(holds_saved_state(checkpoint));  // a series of one step
  testing::write_bytes(checkpoint / "trainer_state.json", "{}");
  EXPECT_TRUE(holds_saved_state(checkpoint));
  EXPECT_EQ(open_saved_state(checkpoint)->weights().size(), 11U);
  // Of two, `latest` decides.
  fs::create_directories(checkpoint / "global_step2");
  testing::write_bytes(checkpoint / "global_step2" / "mp_rank_00_model_states.pt", "");
  EXPECT_FALSE(holds_saved_state(checkpoint));
  testing::write_bytes(checkpoint / "latest", "global_step3\n");
  EXPECT_EQ(open_saved_state(checkpoint)->weights().size(), 11U);
  fs::remove(checkpoint / "trainer_state.json");
  EXPECT_FALSE(holds_saved_state(checkpoint));
  // accelerate's: a name that is no step's.
  fs::create_directories(folder / "state");
  fs::copy(goldens / "zero2" / "global_step3", folder / "state" / "pytorch_model",
           fs::copy_options::recursive);
  EXPECT_TRUE(holds_saved_state(folder / "state"));
}

/// Two ranks, two groups: a (4 numbers) and b (3), c (2). The first rank has a and one of b.
class ZeroFolder : public ::testing::Test {
 protected:
  void write_model(const std::string& module = pickled(Entries{})) {
    Entries entries{{"module", module},
                    {"buffer_names", "]"},
                    {"param_shapes",
                     testing::pickled_list({pickled(Entries{{"a", testing::pickled_shape({2, 2})},
                                                            {"b", testing::pickled_shape({3})}}),
                                            pickled(Entries{{"c", testing::pickled_shape({2})}})})},
                    {"shared_params", "}"},
                    {"lr_scheduler", scheduler},
                    {"ds_config", config}};
    testing::TorchWriter().write(folder / "mp_rank_00_model_states.pt", pickled(entries));
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
    testing::TorchWriter file;
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
        {"state", testing::pickled_by_number({state(rank.first, 100), state(rank.second, 100)})},
        {"param_groups", testing::pickled_list({pickled(adamw_entries(0, rank.decay)),
                                                pickled(adamw_entries(1, 0))})}});
    Entries entries{{"single_partition_of_fp32_groups",
                     testing::pickled_list({file.tensor(rank.first), file.tensor(rank.second)})},
                    {"base_optimizer_state", base},
                    {"zero_stage", rank.stage},
                    {"partition_count", rank.partitions}};
    entries.insert(entries.end(), rank.more.begin(), rank.more.end());
    file.write(path(number), pickled(Entries{{"optimizer_state_dict", pickled(entries)}}));
  }
  [[nodiscard]] fs::path path(int number) const {
    return folder / ("zero_pp_rank_" + std::to_string(number) + "_mp_rank_00_optim_states.pt");
  }
  void SetUp() override {
    write_model();
    write_rank(0, first);
    write_rank(1, second);
  }
  [[nodiscard]] std::map<std::string, std::vector<double>> weights() const {
    const auto state = testing::open_prepared(folder.path());
    std::map<std::string, std::vector<double>> all;
    for (const TensorView& each : state->weights()) all.emplace(each.name, values_in(each));
    return all;
  }

  TemporaryFolder folder;
  std::string scheduler = "N", config = "N";
  Rank first{.first = {1, 2, 3, 4}, .second = {8}};
  Rank second{.first = {5, 6, 7, 0}, .second = {9}};
};

TEST_F(ZeroFolder, IsPutTogether) {
  const auto found = weights();
  EXPECT_THAT(found.at("a"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(found.at("b"), ElementsAre(5, 6, 7));
  EXPECT_THAT(found.at("c"), ElementsAre(8, 9));
  const auto state = testing::open_prepared(folder.path());
  const SavedOptimizer& optimizer = testing::prepared_optimizer(*state);
  ASSERT_EQ(optimizer.moments.size(), 3U);
  EXPECT_THAT(values_in(optimizer.moments[1].first), ElementsAre(105, 106, 107));
  EXPECT_THAT(values_in(optimizer.moments[2].second), ElementsAre(208, 209));
  EXPECT_EQ(optimizer.moments[2].updates, 3);
  EXPECT_EQ(optimizer.groups[optimizer.moments[2].group].weight_decay, 0);
  EXPECT_EQ(optimizer.groups[optimizer.moments[1].group].weight_decay, 0.1);
}

TEST_F(ZeroFolder, MayHaveNumbersBetweenParameters) {
  const std::string gaps =
      testing::pickled_list({testing::pickled_list({"K\x01", pickled(int64_t{0})}),
                             testing::pickled_list({pickled(int64_t{0})})});
  first.more = second.more = {{"param_alignment_paddings", gaps}};
  first.first = {1, 2, 3, 4};
  second.first = {-1, 5, 6, 7};  // one number after a, which is no parameter's
  write_rank(0, first);
  write_rank(1, second);
  EXPECT_THAT(weights().at("b"), ElementsAre(5, 6, 7));
}

TEST_F(ZeroFolder, SaysWhereParametersBegin) {
  const auto slice = [](int64_t start, int64_t count) {
    return testing::pickled_object("deepspeed.utils.tensor_fragment\nfragment_address",
                                   {{"start", pickled(start)}, {"numel", pickled(count)}});
  };
  first.more = {{"param_slice_mappings",
                 testing::pickled_list({pickled(Entries{{"a", slice(0, 4)}, {"b", slice(5, 1)}}),
                                        pickled(Entries{{"c", slice(0, 1)}})})}};
  second.more = {
      {"param_slice_mappings", testing::pickled_list({pickled(Entries{{"b", slice(1, 2)}}),
                                                      pickled(Entries{{"c", slice(0, 1)}})})}};
  first.first = {1, 2, 3, 4, -1, 5};
  second.first = {-1, 6, 7};
  write_rank(0, first);
  write_rank(1, second);
  EXPECT_THAT(weights().at("b"), ElementsAre(5, 6, 7));
  second.more[0].second = testing::pickled_list(
      {pickled(Entries{{"b", slice(2, 2)}}), pickled(Entries{{"c", slice(0, 1)}})});
  write_rank(1, second);
  EXPECT_THAT(opening(folder.path()),
              AllOf(HasSubstr("zero_pp_rank_1"),
                    HasSubstr("holds 3 numbers, and those from 2 to 4 are needed")));
  second.more[0].second =
      testing::pickled_list({pickled(Entries{}), pickled(Entries{{"c", slice(0, 1)}})});
  write_rank(1, second);
  EXPECT_THAT(opening(folder.path()),
              HasSubstr("the parts of b hold 1 numbers, and its shape [3] has 3"));
}

TEST_F(ZeroFolder, WithoutAFileOfARankIsRefusedByItsName) {
  fs::remove(path(1));
  EXPECT_THAT(opening(folder.path()),
              AllOf(HasSubstr("has no zero_pp_rank_1_mp_rank_00_optim_states.pt"),
                    HasSubstr("divided among 2 ranks")));
  fs::remove(path(0));
  EXPECT_THAT(opening(folder.path()), HasSubstr("holds no …_optim_states.pt"));
  write_rank(0, first);
  write_rank(1, second);
  write_rank(2, second);
  EXPECT_THAT(opening(folder.path()), HasSubstr("has the files of 3 ranks"));
  fs::remove(path(2));
  fs::remove(folder / "mp_rank_00_model_states.pt");
  EXPECT_THAT(opening(folder.path()), HasSubstr("holds no …_model_states.pt"));
}

TEST_F(ZeroFolder, OfRanksThatDisagreeIsRefused) {
  second.step = 4;
  write_rank(1, second);
  EXPECT_THAT(
      asking(folder.path()),
      AllOf(HasSubstr("zero_pp_rank_1"), HasSubstr("is of step 4, and "), HasSubstr("of step 3")));
  second.step = 2.5;
  write_rank(1, second);
  EXPECT_THAT(asking(folder.path()), HasSubstr("is no whole number"));
  second.step = 3;
  second.stage = "K\x03";
  second.more = {{"fp32_flat_groups", testing::pickled_list({testing::TorchWriter().tensor({1})})}};
  write_rank(1, second);
  EXPECT_THAT(opening(folder.path()), HasSubstr("is of stage 3 with 1 groups"));
  second = {.first = {5, 6}, .second = {9}};
  write_rank(1, second);
  EXPECT_THAT(opening(folder.path()),
              HasSubstr("holds 2 numbers, and those from 0 to 3 are needed"));
}

TEST_F(ZeroFolder, OfExpertsAndOfUnknownStagesIsRefused) {
  first.partitions = testing::pickled_list({"K\x02", "K\x01"});
  write_rank(0, first);
  EXPECT_THAT(opening(folder.path()), HasSubstr("as those of experts are"));
  first.partitions = "K\x02";
  first.stage = "K\x07";
  write_rank(0, first);
  EXPECT_THAT(opening(folder.path()), HasSubstr("its zero_stage is 7"));
  first.stage = second.stage = "cdeepspeed.runtime.zero.config\nZeroStageEnum\n(K\x02tR";
  write_rank(0, first);
  write_rank(1, second);
  EXPECT_EQ(open_saved_state(folder.path())->weights().size(), 3U);
}

TEST_F(ZeroFolder, OfTensorParallelRanksIsRefused) {
  for (const char* name :
       {"mp_rank_00_model_states.pt", "zero_pp_rank_0_mp_rank_00_optim_states.pt",
        "zero_pp_rank_1_mp_rank_00_optim_states.pt"}) {
    std::string other = name;
    other.replace(other.find("mp_rank_00"), 10, "mp_rank_01");
    fs::copy(folder / name, folder / other);
  }
  EXPECT_THAT(opening(folder.path()), AllOf(HasSubstr("divided among tensor-parallel ranks"),
                                            HasSubstr("ds_to_universal")));
  fs::remove(folder / "mp_rank_01_model_states.pt");
  EXPECT_THAT(opening(folder.path()), HasSubstr("has no …mp_rank_01_model_states.pt"));
  fs::remove(folder / "mp_rank_00_model_states.pt");
  write_model();
}

TEST_F(ZeroFolder, OfAnotherOptimizerIsRefusedByName) {
  const auto configured = [&](const std::string& type, const Entries& parameters = {}) {
    config = pickled(Entries{
        {"optimizer", pickled(Entries{{"type", pickled(type)}, {"params", pickled(parameters)}})}});
    write_model();
  };
  configured("Lion");
  EXPECT_THAT(asking(folder.path()), HasSubstr("the state of the optimizer Lion"));
  configured("OneBitAdam");
  EXPECT_THAT(asking(folder.path()), HasSubstr("the state of the optimizer OneBitAdam"));
  configured("Adam", {{"adam_w_mode", "\x89"}});
  EXPECT_THAT(asking(folder.path()), HasSubstr("adam_w_mode is false"));
  first.decay = second.decay = 0;  // then it is the same
  write_rank(0, first);
  write_rank(1, second);
  EXPECT_EQ(open_saved_state(folder.path())->optimizer().groups.size(), 2U);
  configured("Adam");
  first.decay = second.decay = 0.1;
  write_rank(0, first);
  write_rank(1, second);
  EXPECT_EQ(open_saved_state(folder.path())->optimizer().groups.size(), 2U);
  first.moments = false;
  write_rank(0, first);
  EXPECT_THAT(asking(folder.path()), HasSubstr("without second moments"));
  first.moments = true;
  first.state = {{"qmap1", "N"}};
  write_rank(0, first);
  EXPECT_THAT(asking(folder.path()), HasSubstr("8-bit"));
}

TEST_F(ZeroFolder, WhoseSchedulerSaysAnotherRateIsRefused) {
  scheduler =
      pickled(Entries{{"_last_lr", testing::pickled_list({testing::pickled_number(0.5),
                                                          testing::pickled_number(0.25)})}});
  write_model();
  EXPECT_THAT(asking(folder.path()),
              HasSubstr("group 1 has the learning rate 0.5, and the scheduler says 0.25"));
}

TEST_F(ZeroFolder, HasFrozenParametersOfTheModel) {
  testing::TorchWriter file;  // its numbers lie in another file: any will do
  write_model(
      pickled(Entries{{"a", file.tensor({9, 9, 9, 9}, {2, 2})}, {"d", file.tensor({0, 0})}}));
  const auto found = weights();
  EXPECT_THAT(found.at("a"), ElementsAre(1, 2, 3, 4));  // the master
  EXPECT_EQ(found.at("d").size(), 2U);
  EXPECT_EQ(open_saved_state(folder.path())->optimizer().moments.size(), 3U);
  EXPECT_THAT(open_saved_state(folder.path())->notes(),
              ::testing::Contains(HasSubstr("1 frozen parameters are the model's")));
}

class UniversalFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::copy(goldens / "zero2" / "global_step3_universal", folder.path(),
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

/// A Llama of two layers as Megatron-DeepSpeed's pipeline numbers it: hidden size 4, two heads of
/// two numbers, one key-value head.
class MegatronFolder : public ::testing::Test {
 protected:
  using Shapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;
  void write() {
    Entries listed;
    for (const auto& [name, shape] : shapes) {
      listed.emplace_back(name, testing::pickled_shape(shape));
      int64_t count = 1;
      for (const int64_t length : shape) count *= length;
      for (const char* file : {"fp32", "exp_avg", "exp_avg_sq"}) {
        std::vector<float> numbers(static_cast<size_t>(count));
        for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
        testing::TorchWriter writer;
        const std::string tensor = writer.tensor(numbers, shape);
        writer.write(folder / "zero" / name / (std::string(file) + ".pt"),
                     pickled(Entries{{"param", tensor}, {"cat_dim", "K\x01"}}));
      }
      testing::TorchWriter().write(folder / "zero" / name / "step.pt", pickled(int64_t{7}));
    }
    testing::TorchWriter().write(
        folder / "zero" / "optimizer_state.pt",
        pickled(Entries{{"param_groups", testing::pickled_list({pickled(adamw_entries(0))})}}));
    testing::TorchWriter().write(
        folder / "mp_rank_00_model_states.pt",
        pickled(Entries{{"module", "N"},
                        {"param_shapes", testing::pickled_list({pickled(listed)})},
                        {"args", testing::pickled_object("argparse\nNamespace", arguments)},
                        {"checkpoint_version", testing::pickled_number(version)}}));
  }
  [[nodiscard]] std::map<std::string, std::vector<double>> weights() const {
    const auto state = testing::open_prepared(folder.path());
    std::map<std::string, std::vector<double>> all;
    for (const TensorView& each : state->weights()) all.emplace(each.name, values_in(each));
    return all;
  }
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
