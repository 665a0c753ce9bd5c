// Opening a series, comparing its checkpoints, identifying its files.

#include "checkpoint/series.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "checkpoint/series_summary.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::one_vector;
using testing::safetensors;
using testing::small_config;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_checkpoint;

class Series : public ::testing::Test {
 protected:
  Series() {
    write_checkpoint(directory / "step-2", one_vector("w", {1, 2}));
    write_checkpoint(directory / "step-10", one_vector("w", {3, 4}));
  }
  std::string error() {
    return data_error([&] { CheckpointSeries::open(directory.path()); });
  }

  TemporaryFolder directory;
};

TEST_F(Series, OpensInTheOrderOfSteps) {
  const CheckpointSeries series = CheckpointSeries::open(directory.path());
  ASSERT_EQ(series.size(), 2U);
  EXPECT_EQ(series.step(0), 2);
  EXPECT_EQ(series.step(1), 10);
  EXPECT_EQ(series.checkpoint(1).directory(), directory / "step-10");
  EXPECT_EQ(series.config(), small_config());
}

TEST_F(Series, OpensShardedCheckpoints) {
  const fs::path sharded = directory / "step-11";
  write_bytes(sharded / "config.json", small_config().dump());
  write_bytes(sharded / "part.safetensors", one_vector("w", {3, 4}));
  write_bytes(sharded / "model.safetensors.index.json",
              R"({"weight_map": {"w": "part.safetensors"}})");
  EXPECT_EQ(CheckpointSeries::open(directory.path()).size(), 3U);
}

TEST_F(Series, StoredTypesAndIrrelevantKeysMayDiffer) {
  nlohmann::json config = small_config();
  config["torch_dtype"] = "bfloat16";
  config["transformers_version"] = "5.3.0";
  config["num_key_value_heads"] = 2;  // the default, spelled out
  config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 10000.0}};
  write_checkpoint(
      directory / "step-10",
      safetensors(R"({"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", "abcd"), config);
  EXPECT_EQ(CheckpointSeries::open(directory.path()).size(), 2U);
}

TEST_F(Series, EachDifferenceIsNamed) {
  nlohmann::json config = small_config();
  config["rope_theta"] = 500000.0;
  config["num_key_value_heads"] = 1;
  write_checkpoint(directory / "step-10", one_vector("v", {3, 4}), config);
  EXPECT_THAT(error(), AllOf(HasSubstr((directory / "step-10").string() + ": differs from"),
                             HasSubstr((directory / "step-2").string()),
                             HasSubstr("num_key_value_heads: 1 here, 2 there"),
                             HasSubstr("rope_theta: 500000 here, 10000 there"),
                             HasSubstr("tensor \"w\" is missing here"),
                             HasSubstr("tensor \"v\" is here only"), Not(HasSubstr("more"))));
  write_checkpoint(directory / "step-10", one_vector("w", {3, 4, 5}));
  EXPECT_THAT(error(), HasSubstr("tensor \"w\": shape [3] here, [2] there"));
}

TEST_F(Series, AConfigMayChangeOnTheWay) {
  nlohmann::json config = small_config();
  config["rope_theta"] = 500000.0;
  config["max_position_embeddings"] = 16;
  for (const char* step : {"step-10", "step-20"}) {
    write_checkpoint(directory / step, one_vector("w", {3, 4}), config);
  }
  write_checkpoint(directory / "step-30", one_vector("w", {3, 4}));
  const CheckpointSeries series = CheckpointSeries::open(directory.path());
  ASSERT_EQ(series.stretches().size(), 3U);
  EXPECT_THAT(series.stretches()[1].changes,
              ::testing::ElementsAre("rope_theta: 500000 here, 10000 there"));
  EXPECT_THAT(series.stretches()[2].changes,
              ::testing::ElementsAre("rope_theta: 10000 here, 500000 there"));
  std::vector<size_t> places;
  for (size_t i = 0; i < series.size(); ++i) places.push_back(series.stretch_of(i));
  EXPECT_THAT(places, ::testing::ElementsAre(0, 1, 1, 2));
  for (const Stretch& stretch : series.stretches()) {
    EXPECT_EQ(stretch.config["max_position_embeddings"], 16);  // the least
  }
  EXPECT_THAT(series.notes(), ::testing::Contains(HasSubstr("config.json changes at step 10")));
  EXPECT_THAT(series.notes(), ::testing::Contains(HasSubstr("config.json changes at step 30")));
  write_checkpoint(directory / "step-20", one_vector("v", {3, 4}), config);
  EXPECT_THAT(error(), AllOf(HasSubstr((directory / "step-10").string()),
                             HasSubstr("tensor \"v\" is here only")));
}

TEST_F(Series, WhatTheNetworkDoesNotUseMayDiffer) {
  nlohmann::json config = small_config();
  config["tie_word_embeddings"] = true;
  config["max_position_embeddings"] = 64;
  write_checkpoint(directory / "step-2", one_vector("w", {1, 2}), config);
  for (const char* extra : {"lm_head.weight", "model.layers.0.self_attn.rotary_emb.inv_freq",
                            "model.rotary_emb.cos_cached", "model.rotary_emb.original_inv_freq",
                            "model.layers.0.mlp._extra_state", "model.causal_mask",
                            "model.layers.0.self_attn.masked_bias"}) {
    config["max_position_embeddings"] = 32;
    const std::string header =
        std::string(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},")") + extra +
        R"(":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
    write_checkpoint(directory / "step-10", safetensors(header, "abcdefghijkl"), config);
    const CheckpointSeries series = CheckpointSeries::open(directory.path());
    EXPECT_EQ(series.size(), 2U);
    EXPECT_EQ(series.config()["max_position_embeddings"], 32);  // the least
    ASSERT_EQ(series.notes().size(), 2U) << extra;
    EXPECT_THAT(series.notes()[0],
                AllOf(HasSubstr("ignored: "), HasSubstr("in 1 of 2 checkpoints")));
    EXPECT_THAT(series.notes()[1], HasSubstr("max_position_embeddings is 32 to 64"));
    EXPECT_EQ(difference(series, 0).not_finite, 0);  // of w alone
  }
  config["tie_word_embeddings"] = false;  // now it is used
  write_checkpoint(directory / "step-2", one_vector("w", {1, 2}), config);
  const std::string header =
      R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"lm_head.weight":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
  write_checkpoint(directory / "step-10", safetensors(header, "abcdefghijkl"), config);
  EXPECT_THAT(error(), HasSubstr("tensor \"lm_head.weight\" is here only"));
}

TEST_F(Series, AStoredHeadIsTheNetworksWhereThatIsMeant) {
  nlohmann::json config = small_config();
  config["tie_word_embeddings"] = true;
  for (const char* step : {"step-2", "step-10"}) {
    write_checkpoint(directory / step, one_vector("lm_head.weight", {1, 2}), config);
  }
  EXPECT_EQ(CheckpointSeries::open(directory.path()).config()["tie_word_embeddings"], true);
  const CheckpointSeries stored = CheckpointSeries::open(directory.path(), {}, 2, TiedHead::stored);
  EXPECT_EQ(stored.config()["tie_word_embeddings"], false);
  EXPECT_TRUE(stored.notes().empty());
  write_checkpoint(directory / "step-2", one_vector("w", {1, 2}), config);  // in one of them only
  const CheckpointSeries unlike = CheckpointSeries::open(directory.path(), {}, 2, TiedHead::stored);
  EXPECT_THAT(unlike.stretches().back().changes,
              ::testing::ElementsAre("tie_word_embeddings: false here, true there"));
  EXPECT_THROW(parse_tied_head("both"), UsageError);
}

TEST_F(Series, SaysWhichKeysAreNotObeyedAndHowWeightsAreStored) {
  nlohmann::json config = small_config();
  config["my_new_trick"] = 3;
  config["torch_dtype"] = "bfloat16";
  write_checkpoint(directory / "step-2",
                   one_vector("module._orig_mod.model.embed_tokens.weight", {1}), config);
  write_checkpoint(directory / "step-10", one_vector("model.embed_tokens.weight", {1}), config);
  EXPECT_THAT(CheckpointSeries::open(directory.path()).notes(),
              ::testing::ElementsAre(
                  HasSubstr("\"_orig_mod.\", \"module.\" was taken off (in 1 of 2 checkpoints)"),
                  HasSubstr("Llama's network knows no my_new_trick"),
                  HasSubstr("says bfloat16, and the weights are stored as float32")));
}

TEST_F(Series, ManyDifferencesAreCounted) {
  std::string header = "{";
  for (int i = 0; i < 12; ++i) {
    header += "\"extra" + std::to_string(10 + i) +
              R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)";
  }
  header.back() = '}';
  write_checkpoint(directory / "step-10", safetensors(header));
  // w is missing and twelve are extra: ten are named.
  EXPECT_THAT(error(),
              AllOf(HasSubstr("\"extra18\" is here only; and 3 more"), Not(HasSubstr("extra19"))));
}

TEST_F(Series, ABrokenMemberIsNamed) {
  write_bytes(directory / "step-10/config.json", R"({"architectures": ["BloomForCausalLM"]})");
  EXPECT_THAT(error(), AllOf(HasSubstr("step-10/config.json"), HasSubstr("BloomForCausalLM")));
  write_checkpoint(directory / "step-10", "cut");
  EXPECT_THAT(error(), HasSubstr("step-10/model.safetensors: 3 bytes are too few"));
}

/// CRC-32 (reflected 0xEDB88320) bit by bit.
uint32_t crc32_by_definition(const std::string& bytes) {
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

TEST_F(Series, IdentifiesItsFiles) {
  const std::string header =
      safetensors(R"({"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})");
  write_checkpoint(directory / "step-2", header + "abc");
  write_checkpoint(directory / "step-10", header + "abd");
  const fs::path file = directory / "step-2/model.safetensors";
  const auto time =
      fs::file_time_type::clock::from_sys(std::chrono::sys_time<std::chrono::nanoseconds>(
          std::chrono::seconds(1700000000) + std::chrono::microseconds(123456)));
  fs::last_write_time(file, time);
  const CheckpointSeries series = CheckpointSeries::open(directory.path());

  const nlohmann::json quick = identify(series, false);
  ASSERT_EQ(quick.size(), 2U);
  EXPECT_EQ(quick[0]["step"], 2);
  EXPECT_EQ(quick[1]["step"], 10);
  EXPECT_EQ(quick[0]["file"], "step-2/model.safetensors");
  EXPECT_EQ(quick[0]["size"], header.size() + 3);
  EXPECT_EQ(quick[0]["modified"], 1700000000123456000);
  EXPECT_FALSE(quick[0].contains("sha256"));
  EXPECT_EQ(std::stoul(quick[0]["header_crc32"].get<std::string>(), nullptr, 16),
            crc32_by_definition(header));
  EXPECT_EQ(quick[0]["header_crc32"], quick[1]["header_crc32"]);

  const nlohmann::json full = identify(series, true);
  // sha256sum of the two files
  EXPECT_EQ(full[0]["sha256"], "52e4c2f3bbc4e7de2282568ca3f96ff8e762fb11acffbc6f00438f6538614f8c");
  EXPECT_EQ(full[1]["sha256"], "fef50fbc9930efeb0e8d20eb4e8212513249350d691538484b155648adbfb65f");
}

}  // namespace
}  // namespace explaind
