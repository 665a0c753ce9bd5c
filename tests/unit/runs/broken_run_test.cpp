// Runs that are broken in one place each are refused, and the message names it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <limits>

#include "checkpoint/json_file.hpp"
#include "checkpoint/safetensors_file.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "core/error.hpp"
#include "runs/recorded_run.hpp"
#include "unit/runs/small_run.hpp"

namespace explaind::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* middle = "blocks/00000002-00000003.safetensors";

class BrokenRun : public ::testing::Test {
 protected:
  void SetUp() override { write_small_run(run()); }
  [[nodiscard]] fs::path run() const { return folder_ / "run"; }

  void expect_refusal(const std::string& problem) const {
    EXPECT_THAT([&] { RecordedRun::open(run()); },
                ::testing::ThrowsMessage<DataError>(HasSubstr(problem)));
  }

  /// Rewrites run.json.
  void edit(const std::function<void(nlohmann::json&)>& change) const {
    nlohmann::json json = read_json_object(run() / "run.json");
    change(json);
    std::ofstream(run() / "run.json") << json.dump();
  }

  using Tensors = std::vector<TensorView>;
  using Metadata = std::map<std::string, std::string>;
  /// Rewrites the block of steps 2 and 3.
  void edit_block(const std::function<void(Tensors&, Metadata&)>& change) const {
    const fs::path path = run() / middle;
    {
      const SafetensorsFile file(path);
      Tensors tensors = file.tensors();
      Metadata metadata = file.metadata();
      change(tensors, metadata);
      write_safetensors(path.string() + ".new", tensors, metadata);
    }
    fs::rename(path.string() + ".new", path);
  }

  static TensorView& find(Tensors& tensors, const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const TensorView& tensor) { return tensor.name == name; });
  }

  /// Sets one element of a tensor of the block.
  template <typename Value>
  void set(const std::string& name, size_t index, Value value) const {
    std::vector<std::byte> bytes;
    edit_block([&](Tensors& tensors, Metadata&) {
      TensorView& tensor = find(tensors, name);
      bytes.assign(tensor.data, tensor.data + tensor.bytes);
      std::memcpy(bytes.data() + index * sizeof value, &value, sizeof value);
      tensor.data = bytes.data();
    });
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(BrokenRun, CutShort) {
  fs::remove(run() / "complete.json");
  expect_refusal("the run was cut short: 5 steps are there");
  const RecordedRun opened = RecordedRun::open(run(), RecordedRun::Require::any);
  EXPECT_FALSE(opened.complete());
  EXPECT_EQ(opened.steps(), 5);
}

TEST_F(BrokenRun, WithoutItsLastBlock) {
  fs::remove(run() / "blocks/00000004-00000004.safetensors");
  expect_refusal("steps are missing: the run had 5, 4 are there");
}

TEST_F(BrokenRun, WithoutABlockBetween) {
  fs::remove(run() / middle);
  expect_refusal("steps 2 to 3 are missing");
}

TEST_F(BrokenRun, StepsTwice) {
  fs::copy_file(run() / middle, run() / "blocks/00000001-00000002.safetensors");
  expect_refusal("steps out of order");
  fs::remove(run() / "blocks/00000001-00000002.safetensors");
  edit_block([](Tensors&, Metadata& metadata) {
    metadata["first_step"] = "1";
    metadata["last_step"] = "2";
  });
  fs::rename(run() / middle, run() / "blocks/00000001-00000002.safetensors");
  expect_refusal("step 1 is there twice");
}

TEST_F(BrokenRun, StepsOutOfOrder) {
  fs::rename(run() / middle, run() / "blocks/x.safetensors");
  fs::rename(run() / "blocks/00000000-00000001.safetensors", run() / middle);
  fs::rename(run() / "blocks/x.safetensors", run() / "blocks/00000000-00000001.safetensors");
  expect_refusal("steps out of order");
}

TEST_F(BrokenRun, ABlockCutShort) {
  fs::resize_file(run() / middle, fs::file_size(run() / middle) - 1);
  expect_refusal("00000002-00000003");
}

TEST_F(BrokenRun, BatchIndicesOutOfRange) {
  set("batch_index", 3, int64_t{10});  // of step 3, the first of its samples is index 2
  expect_refusal("batch index 10 at step 3 is out of range: there are 10 training samples");
  set("batch_index", 3, int64_t{0});
  set("batch_index", 0, int64_t{-1});
  expect_refusal("batch index -1 at step 2 is out of range");
}

TEST_F(BrokenRun, BatchSizesThatAreNotThoseOfTheIndices) {
  set("batch_size", 0, int64_t{3});
  expect_refusal("batch_index has shape [5], not [6]");
  set("batch_size", 0, int64_t{0});
  expect_refusal("a batch of 0 samples");
}

TEST_F(BrokenRun, OptimizerStateOfOtherWeights) {
  edit_block([](Tensors& tensors, Metadata&) { find(tensors, "second_moment/a").shape = {2, 6}; });
  expect_refusal(
      "second_moment/a has shape [2, 6], not [2, 2, 3]: this optimizer state does not belong to "
      "the weights");
}

TEST_F(BrokenRun, ATensorMissing) {
  edit_block([](Tensors& tensors, Metadata&) {
    std::erase_if(tensors, [](const TensorView& tensor) { return tensor.name == "parameter/b"; });
  });
  expect_refusal("tensor parameter/b is missing");
}

TEST_F(BrokenRun, AParameterMissingFromTheStart) {
  write_safetensors(run() / "start.safetensors", {});
  expect_refusal("tensor parameter/a is missing");
}

TEST_F(BrokenRun, AHyperparameterMissing) {
  edit([](nlohmann::json& json) { json["optimizer"]["groups"][1].erase("beta2"); });
  expect_refusal("hyper-parameter beta2 of group 1 is neither here nor in run.json");
}

TEST_F(BrokenRun, WithoutLearningRates) {
  edit_block([](Tensors& tensors, Metadata&) {
    std::erase_if(tensors, [](const TensorView& tensor) { return tensor.name == "learning_rate"; });
  });
  expect_refusal("tensor learning_rate is missing");
}

TEST_F(BrokenRun, ImpossibleNumbers) {
  set("learning_rate", 3, std::numeric_limits<double>::quiet_NaN());
  expect_refusal("learning_rate of group 1 at step 3 is nan");
  set("learning_rate", 3, 0.2);
  set("clip", 1, 1.5);
  expect_refusal("clip at step 3 is 1.5, not in (0, 1]");
}

TEST_F(BrokenRun, Descriptions) {
  using Change = std::function<void(nlohmann::json&)>;
  const std::vector<std::pair<Change, std::string>> changes = {
      {[](auto& json) { json["format"] = "other"; }, "format is not explaind-recorded-run"},
      {[](auto& json) { json["version"] = 2; }, "this program reads version 1"},
      {[](auto& json) { json["dtype"] = "bf16"; }, "neither f32 nor f64"},
      {[](auto& json) { json.erase("model"); }, "model is missing"},
      {[](auto& json) { json["data"].erase("samples"); }, "data.samples is missing"},
      {[](auto& json) { json["optimizer"]["name"] = "lion"; }, "optimizer 'lion' is not known"},
      {[](auto& json) { json["optimizer"]["groups"] = nlohmann::json::array(); }, "is empty"},
      {[](auto& json) { json["optimizer"]["groups"][0]["beta1"] = 1; }, "not in [0, 1)"},
      {[](auto& json) { json["optimizer"]["groups"][0]["epsilon"] = "x"; }, "is not a number"},
      {[](auto& json) { json["parameters"][1]["group"] = 2; }, "b is of group 2, but there are 2"},
      {[](auto& json) { json["parameters"][1]["name"] = "a"; }, "holds a twice"},
      {[](auto& json) {
         json["parameters"][0]["shape"] = {2, 0};
       },
       "shape holds 0"},
      {[](auto& json) { json["stored"].push_back("loss"); }, "holds 'loss'"},
      {[](auto& json) { json["optimizer"]["name"] = "sgd"; }, "nesterov is missing"}};
  const nlohmann::json whole = read_json_object(run() / "run.json");
  for (const auto& [change, problem] : changes) {
    SCOPED_TRACE(problem);
    edit([&](nlohmann::json& json) {
      json = whole;
      change(json);
    });
    expect_refusal(problem);
  }
}

TEST_F(BrokenRun, NotARun) {
  fs::remove(run() / "run.json");
  expect_refusal("is not a recorded run");
}

}  // namespace
}  // namespace explaind::testing
