// Checkpoint directories: single files, shards, and every way they can be incomplete.

#include "checkpoint/checkpoint.hpp"

#include <gmock/gmock.h>

#include <array>

#include "checkpoint/convert.hpp"
#include "checkpoint/safetensors_file.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::one_vector;
using testing::small_config;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_checkpoint;

class CheckpointDirectory : public ::testing::Test {
 protected:
  void write_index(const std::string& text) {
    write_bytes(directory / "model.safetensors.index.json", text);
  }
  /// Two shards with one vector each, and their index.
  void write_shards() {
    write_bytes(directory / "config.json", small_config().dump());
    write_bytes(directory / "model-1.safetensors", one_vector("b", {1, 2}));
    write_bytes(directory / "model-2.safetensors", one_vector("a", {3}));
    write_index(R"({"metadata": {"total_size": 12},
                    "weight_map": {"b": "model-1.safetensors", "a": "model-2.safetensors"}})");
  }
  std::string open_error() {
    return data_error([&] { Checkpoint::open(directory.path()); });
  }

  TemporaryFolder directory;
};

TEST_F(CheckpointDirectory, OpensASingleFile) {
  write_checkpoint(directory.path(), one_vector("w", {0.5F, -2}));
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  EXPECT_EQ(checkpoint.directory(), directory.path());
  EXPECT_EQ(checkpoint.config()["hidden_size"], 8);
  EXPECT_THAT(checkpoint.files(), ElementsAre(directory / "model.safetensors"));
  EXPECT_EQ(checkpoint.mapped().size(), 1U);
  std::array<float, 2> values{};
  to_float(checkpoint.tensor("w"), values);
  EXPECT_THAT(values, ElementsAre(0.5F, -2.0F));
}

TEST_F(CheckpointDirectory, ViewsOutliveEveryCopyButTheLast) {
  write_checkpoint(directory.path(), one_vector("w", {7}));
  Checkpoint copy;
  {
    const Checkpoint checkpoint = Checkpoint::open(directory.path());
    copy = checkpoint;
  }
  fs::remove_all(directory.path());
  std::array<float, 1> value{};
  to_float(copy.tensor("w"), value);
  EXPECT_EQ(value[0], 7);
}

TEST_F(CheckpointDirectory, OpensShards) {
  write_shards();
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  EXPECT_THAT(checkpoint.files(),
              ElementsAre(directory / "model-1.safetensors", directory / "model-2.safetensors"));
  EXPECT_EQ(checkpoint.tensors().size(), 2U);
  EXPECT_EQ(checkpoint.tensors().begin()->first, "a");
  std::array<float, 2> values{};
  to_float(checkpoint.tensor("b"), values);
  EXPECT_THAT(values, ElementsAre(1.0F, 2.0F));
  EXPECT_THAT(
      data_error([&] { static_cast<void>(checkpoint.tensor("c")); }),
      AllOf(HasSubstr(directory.path().string()), HasSubstr("the tensor \"c\" is missing")));
}

TEST_F(CheckpointDirectory, TheSingleFileWinsOverAnIndex) {
  write_shards();
  write_bytes(directory / "model.safetensors", one_vector("w", {1}));
  EXPECT_EQ(Checkpoint::open(directory.path()).tensors().begin()->first, "w");
}

TEST_F(CheckpointDirectory, IsRefusedWithoutConfigOrWeights) {
  EXPECT_THAT(data_error([&] { Checkpoint::open(directory / "none"); }),
              HasSubstr("none: is not a directory"));
  EXPECT_THAT(open_error(), HasSubstr("holds no config.json"));
  write_bytes(directory / "config.json", "{");
  write_bytes(directory / "model.safetensors", one_vector("w", {1}));
  EXPECT_THAT(open_error(), HasSubstr("config.json: broken JSON"));
  write_bytes(directory / "config.json", "{}");
  write_bytes(directory / "model.safetensors", testing::safetensors("{}"));
  EXPECT_THAT(open_error(), HasSubstr("holds no tensor"));
  fs::remove(directory / "model.safetensors");
  EXPECT_THAT(open_error(), AllOf(HasSubstr("holds no weights: neither model.safetensors nor "
                                            "model.safetensors.index.json"),
                                  HasSubstr("pytorch_model.bin")));
}

TEST_F(CheckpointDirectory, AnAdapterBesideTheWeightsIsNotLeftOut) {
  write_checkpoint(directory.path(), one_vector("w", {1}));
  write_bytes(directory / "adapter_model.safetensors", one_vector("w.lora", {1}));
  EXPECT_THAT(open_error(), AllOf(HasSubstr("holds, beside its weights, a PEFT adapter"),
                                  HasSubstr("move adapter_* away")));
}

TEST_F(CheckpointDirectory, NamesABrokenWeightFile) {
  write_checkpoint(directory.path(), one_vector("w", {1, 2}).substr(0, 40));
  EXPECT_THAT(open_error(), HasSubstr((directory / "model.safetensors").string() + ": "));
  write_bytes(directory / "model.safetensors", "");
  EXPECT_THAT(open_error(), HasSubstr("0 bytes are too few"));
  fs::remove(directory / "model.safetensors");
  fs::create_directory(directory / "model.safetensors");
  EXPECT_THAT(open_error(), HasSubstr("is not a regular file"));
}

TEST_F(CheckpointDirectory, AMissingShardIsNamedWithATensor) {
  write_shards();
  fs::remove(directory / "model-1.safetensors");
  EXPECT_THAT(open_error(), HasSubstr("the file model-1.safetensors (tensor \"b\") is missing"));
}

TEST_F(CheckpointDirectory, IndexAndShardsMustAgree) {
  write_shards();
  write_index(R"({"weight_map": {"b": "model-1.safetensors", "a": "model-2.safetensors",
                                 "c": "model-2.safetensors"}})");
  EXPECT_THAT(open_error(), HasSubstr("the tensor \"c\" is not in model-2.safetensors"));
  write_index(R"({"weight_map": {"b": "model-1.safetensors", "c": "model-2.safetensors"}})");
  EXPECT_THAT(open_error(), HasSubstr("the tensor \"a\" of model-2.safetensors is not listed"));
  write_shards();
  write_bytes(directory / "model-2.safetensors", one_vector("b", {3}));
  EXPECT_THAT(open_error(), HasSubstr("the tensor \"b\" is listed for model-1.safetensors but lies "
                                      "in model-2.safetensors"));
}

TEST_F(CheckpointDirectory, BrokenIndexIsRefused) {
  write_shards();
  write_index("{}");
  EXPECT_THAT(open_error(), HasSubstr("index.json: the object \"weight_map\""));
  write_index(R"({"weight_map": []})");
  EXPECT_THAT(open_error(), HasSubstr("the object \"weight_map\""));
  write_index(R"({"weight_map": {"b": 3}})");
  EXPECT_THAT(open_error(), HasSubstr("the file of the tensor \"b\" is not a string"));
  write_index(R"({"weight_map": {"b": "model-1.safetensors", "b": "model-2.safetensors"}})");
  EXPECT_THAT(open_error(), HasSubstr("the key \"b\" is given twice"));
  write_index(R"({"weight_map": {}})");
  EXPECT_THAT(open_error(), HasSubstr("holds no tensor"));
  for (const std::string name : {"../x.safetensors", "/etc/passwd", "..", "", "a/b"}) {
    write_index(R"({"weight_map": {"b": ")" + name + "\"}}");
    EXPECT_THAT(open_error(), HasSubstr("\"" + name + "\" (tensor \"b\") is not a file name"));
  }
}

}  // namespace
}  // namespace explaind
