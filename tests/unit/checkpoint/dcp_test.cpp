// A state of two ranks as torch.distributed.checkpoint wrote it (goldens/saved_states/make_dcp.py),
// and the same with one thing wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/convert.hpp"
#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/stored_optimizer.hpp"
#include "checkpoint/weight_file.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_bytes;

fs::path dcp_golden() { return fs::path(EXPLAIND_TEST_DATA) / "saved_states/dcp"; }

/// first, first + 1, …
std::vector<double> counted_from(double first, size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

std::vector<double> numbers_of(const TensorView& view) {
  std::vector<double> values(static_cast<size_t>(view.elements()));
  to_double(view, values);
  return values;
}

/// A copy of the golden folder that may be spoilt.
class DcpFolder : public ::testing::Test {
 protected:
  void SetUp() override { fs::copy(dcp_golden() / "whole", folder()); }
  [[nodiscard]] fs::path folder() const { return above_ / "step-7"; }
  /// What reading everything of it says.
  std::string refusal() {
    return data_error([this] {
      const auto state = open_saved_state(folder());
      state->weights();
      state->optimizer();
    });
  }
  TemporaryFolder above_;
};

TEST_F(DcpFolder, PutsTensorsTogether) {
  ASSERT_TRUE(holds_saved_state(folder()));
  const auto state = open_saved_state(folder());
  const std::vector<TensorView>& weights = state->weights();
  ASSERT_EQ(weights.size(), 3U);
  const std::map<std::string, std::vector<int64_t>> shapes{
      {"a.weight", {3, 4}}, {"b.weight", {4}}, {"c.weight", {2, 6}}};
  for (const TensorView& each : weights) {
    EXPECT_EQ(each.shape, shapes.at(each.name)) << each.name;
    state->prepare(each);
    EXPECT_EQ(numbers_of(each), counted_from(0, static_cast<size_t>(each.elements()))) << each.name;
  }
  EXPECT_THAT(state->what(), HasSubstr("2 .distcp files"));
  ASSERT_EQ(state->notes().size(), 2U);
  EXPECT_EQ(state->notes()[0], "not read of the training's state: epoch");
  EXPECT_THAT(state->notes()[1], HasSubstr("2 tensors lie in parts and are put together: 128 B"));
}

TEST_F(DcpFolder, NothingIsPutTogetherBeforeItIsRead) {
  const auto state = open_saved_state(folder());
  const TensorView& a = state->weights()[0];
  EXPECT_DEATH(static_cast<void>(numbers_of(a)), "");
  state->prepare(state->weights()[1]);  // lies in its file
  EXPECT_DEATH(static_cast<void>(numbers_of(a)), "");
  state->prepare(state->weights()[2]);
  EXPECT_EQ(numbers_of(a), counted_from(0, 12));
}

TEST_F(DcpFolder, ATensorInOnePieceStaysInItsFile) {
  const auto state = open_saved_state(folder());
  const TensorView& b = state->weights()[1];
  ASSERT_EQ(b.name, "b.weight");
  const auto& files = state->files();
  EXPECT_TRUE(std::any_of(files.begin(), files.end(), [&](const auto& file) {
    const auto bytes = file->file().bytes();
    return b.data >= bytes.data() && b.data < bytes.data() + bytes.size();
  }));
}

TEST_F(DcpFolder, HasTheOptimizersStateByNames) {
  const auto state = open_saved_state(folder());
  const SavedOptimizer& optimizer = state->optimizer();
  ASSERT_EQ(optimizer.groups.size(), 2U);
  EXPECT_EQ(optimizer.groups[0].learning_rate, 0.5);
  EXPECT_EQ(optimizer.groups[0].beta1, 0.75);
  EXPECT_EQ(optimizer.groups[0].beta2, 0.875);
  EXPECT_EQ(optimizer.groups[0].epsilon, 1e-3);
  EXPECT_EQ(optimizer.groups[0].weight_decay, 0.25);
  EXPECT_EQ(optimizer.groups[1].weight_decay, 0);
  ASSERT_EQ(optimizer.moments.size(), 3U);
  for (const SavedMoments& each : optimizer.moments) {
    const auto size = static_cast<size_t>(each.first.elements());
    state->prepare(each.first);
    state->prepare(each.second);
    EXPECT_EQ(each.updates, 7) << each.name;
    EXPECT_EQ(each.group, each.name == "b.weight" ? 1U : 0U) << each.name;
    EXPECT_EQ(numbers_of(each.first), counted_from(100, size)) << each.name;
    EXPECT_EQ(numbers_of(each.second), counted_from(200, size)) << each.name;
  }
}

TEST_F(DcpFolder, IsIdentifiedByAllThatWasRead) {
  const auto crc_input = [this] {
    const auto state = open_saved_state(folder());
    state->weights();
    std::string all;
    for (const auto& file : state->files()) {
      all += file->file().path().filename().string();
      for (const std::byte each : file->header()) all += static_cast<char>(each);
    }
    return all;
  };
  const std::string before = crc_input();
  EXPECT_THAT(before, HasSubstr("__0_0.distcp"));
  EXPECT_THAT(before, HasSubstr("__1_0.distcp"));
  EXPECT_EQ(crc_input(), before);
}

class SpoiltDcp : public DcpFolder {};

TEST_F(SpoiltDcp, IsRefusedWithWhatAndWhere) {
  const nlohmann::json words = read_json_object(dcp_golden() / "faults.json");
  ASSERT_EQ(words.size(), 18U);
  for (const auto& [name, expected] : words.items()) {
    SCOPED_TRACE(name);
    fs::copy_file(dcp_golden() / "faults" / (name + ".metadata"), folder() / ".metadata",
                  fs::copy_options::overwrite_existing);
    const std::string said = refusal();
    EXPECT_THAT(said, HasSubstr(folder().string()));
    for (const auto& word : expected) EXPECT_THAT(said, HasSubstr(word.get<std::string>()));
  }
  EXPECT_FALSE(fs::exists("EVIL"));
}

TEST_F(SpoiltDcp, FilesThatAreMissingOrCutShort) {
  const std::string bytes = testing::read_bytes(folder() / "__0_0.distcp");
  write_bytes(folder() / "__0_0.distcp", bytes.substr(0, bytes.size() - 700));
  EXPECT_THAT(refusal(), ::testing::AllOf(HasSubstr("__0_0.distcp"), HasSubstr("cut short")));
  fs::remove(folder() / "__0_0.distcp");
  EXPECT_THAT(refusal(), ::testing::AllOf(HasSubstr("__0_0.distcp"), HasSubstr("is missing")));
  write_bytes(folder() / ".metadata", "");
  EXPECT_THAT(refusal(), HasSubstr("cut short"));
  fs::remove(folder() / ".metadata");
  EXPECT_FALSE(holds_saved_state(folder()));
  EXPECT_THAT(data_error([this] { Checkpoint::open(folder()); }),
              HasSubstr("without its .metadata"));
}

TEST_F(SpoiltDcp, AnotherFilesBytes) {
  std::string bytes = testing::read_bytes(folder() / "__0_0.distcp");
  std::swap_ranges(bytes.begin(), bytes.begin() + 500, bytes.begin() + 1500);
  write_bytes(folder() / "__0_0.distcp", bytes);
  EXPECT_THAT(refusal(), HasSubstr("__0_0.distcp"));
}

TEST_F(SpoiltDcp, TwoModels) {
  fs::create_directories(above_ / "step-9/pytorch_model_fsdp_0");
  fs::create_directories(above_ / "step-9/pytorch_model_fsdp_1");
  for (const char* name : {"pytorch_model_fsdp_0", "pytorch_model_fsdp_1"}) {
    fs::copy(folder(), above_ / "step-9" / name, fs::copy_options::recursive);
  }
  EXPECT_THAT(data_error([this] { open_saved_state(above_ / "step-9"); }),
              HasSubstr("pytorch_model_fsdp_1"));
}

class DcpCheckpoint : public DcpFolder {
 protected:
  StoredOptimizer stored(std::vector<NamedShape> parameters) {
    return StoredOptimizer::open(folder(), parameters, [this](size_t) { return moves_; });
  }
  std::optional<bool> moves_ = false;
};

TEST_F(DcpCheckpoint, TakesTheConfigThatLiesNearest) {
  EXPECT_THAT(
      data_error([this] { Checkpoint::open(folder()); }),
      ::testing::AllOf(HasSubstr("does not say which model it is of"),
                       HasSubstr("Put the model's config.json into " + above_.path().string())));
  write_bytes(above_ / "config.json", R"({"model_type": "above"})");
  const Checkpoint above = Checkpoint::open(folder());
  EXPECT_EQ(above.config().at("model_type"), "above");
  EXPECT_EQ(above.tensors().size(), 3U);
  EXPECT_THAT(above.notes(),
              ::testing::Contains(HasSubstr("is that of " + above_.path().string())));
  EXPECT_EQ(above.files().size(), 3U);
  // Another program's configuration of the same name says nothing of the model.
  write_bytes(folder() / "config.json", R"({"trainer": {}})");
  EXPECT_EQ(Checkpoint::open(folder()).config().at("model_type"), "above");
  write_bytes(folder() / "config.json", R"({"model_type": "own"})");
  EXPECT_EQ(Checkpoint::open(folder()).config().at("model_type"), "own");
}

TEST_F(DcpCheckpoint, WholeWeightsComeFirst) {
  write_bytes(folder() / "config.json", R"({"model_type": "own"})");
  write_bytes(folder() / "model.safetensors",
              testing::safetensors(
                  R"({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", "abcd"));
  const Checkpoint checkpoint = Checkpoint::open(folder());
  EXPECT_TRUE(checkpoint.tensors().contains("w"));
  EXPECT_EQ(checkpoint.tensors().size(), 1U);
  EXPECT_THAT(checkpoint.notes(), ElementsAre(HasSubstr("the model's own files")));
}

TEST_F(DcpCheckpoint, OfStoredOptimizer) {
  const StoredOptimizer state =
      stored({{"b.weight", {4}}, {"a.weight", {3, 4}}, {"frozen", {2}}, {"c.weight", {2, 6}}});
  EXPECT_EQ(state.of(0).weight_decay, 0);
  EXPECT_EQ(state.of(1).weight_decay, 0.25);
  EXPECT_EQ(state.of(1).updates, 7);
  EXPECT_FALSE(state.of(2).stepped);
  EXPECT_EQ(numbers_of(state.of(3).first_moment), counted_from(100, 12));
  EXPECT_EQ(state.files().size(), 3U);
  const auto error = [this](std::vector<NamedShape> parameters) {
    return data_error([&] { stored(std::move(parameters)); });
  };
  EXPECT_THAT(error({{"b.weight", {4}}, {"a.weight", {3, 4}}}),
              HasSubstr("has states of c.weight, which the weights do not have"));
  EXPECT_THAT(error({{"b.weight", {4}}, {"a.weight", {4, 3}}, {"c.weight", {2, 6}}}),
              HasSubstr("a.weight.exp_avg is [3, 4], and the weights are [4, 3]"));
  moves_ = true;
  EXPECT_THAT(
      error({{"b.weight", {4}}, {"a.weight", {3, 4}}, {"moving", {2}}, {"c.weight", {2, 6}}}),
      HasSubstr("has no state of moving"));
}

}  // namespace
}  // namespace explaind
