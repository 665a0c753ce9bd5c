// Checkpoints of DeepSpeed: what its own library wrote, and every way in which one of ZeRO can be
// damaged.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/safetensors_file.hpp"
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
using testing::opening;
using testing::pickled;
using testing::TemporaryFolder;
using testing::values_in;
using testing::ZeroFolder;

class WrittenByDeepSpeed : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(WrittenByDeepSpeed, IsReadAsDeepSpeedReadsIt) {
  const auto [series, folder] = GetParam();
  const SafetensorsFile said(deepspeed_goldens() / series / "said.safetensors");
  std::map<std::string, const TensorView*> expected;
  for (const TensorView& each : said.tensors()) expected.emplace(each.name, &each);
  ASSERT_TRUE(holds_saved_state(deepspeed_goldens() / series / folder));
  const auto state = testing::open_prepared(deepspeed_goldens() / series / folder);
  const nlohmann::json about =
      nlohmann::json::parse(testing::read_bytes(deepspeed_goldens() / "deepspeed.json"));
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
  fs::copy(deepspeed_goldens() / "zero2" / "global_step3", checkpoint / "global_step3",
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
  fs::copy(deepspeed_goldens() / "zero2" / "global_step3", folder / "state" / "pytorch_model",
           fs::copy_options::recursive);
  EXPECT_TRUE(holds_saved_state(folder / "state"));
}

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

}  // namespace
}  // namespace explaind
