// The optimizer's state that `record` leaves: what is read, and every way it can be other weights'.

#include "checkpoint/stored_optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/convert.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_bytes;

/// A file of F32 vectors.
std::string vectors(const std::vector<std::pair<std::string, std::vector<float>>>& tensors) {
  nlohmann::json header;
  std::string data;
  for (const auto& [name, values] : tensors) {
    const size_t begin = data.size();
    data += testing::f32_bytes(values);
    header[name] = {
        {"dtype", "F32"}, {"shape", {values.size()}}, {"data_offsets", {begin, data.size()}}};
  }
  return testing::safetensors(header.dump(), data);
}

class RecordedState : public ::testing::Test {
 protected:
  void SetUp() override {
    write();
    write_bytes(folder / "optimizer.safetensors", vectors({{"a.exp_avg", {1, 2}},
                                                           {"a.exp_avg_sq", {3, 4}},
                                                           {"b.exp_avg", {5}},
                                                           {"b.exp_avg_sq", {6}}}));
  }
  void write() { write_bytes(folder / "optimizer.json", json.dump()); }
  StoredOptimizer open() {
    return StoredOptimizer::open(folder.path(), parameters, [this](size_t) { return moves; });
  }
  /// With this change of optimizer.json alone.
  template <typename Change>
  std::string refusal(Change change) {
    const nlohmann::json before = json;
    change(json);
    write();
    json = before;
    return data_error([this] { open(); });
  }

  std::optional<bool> moves = true;
  TemporaryFolder folder;
  std::vector<NamedShape> parameters{{"a", {2}}, {"b", {1}}};
  nlohmann::json json = {{"optimizer", "adamw"},
                         {"groups",
                          {{{"parameters", {"a", "b"}},
                            {"updates", 3},
                            {"learning_rate", 0.5},
                            {"beta1", 0.9},
                            {"beta2", 0.99},
                            {"epsilon", 1e-8},
                            {"weight_decay", 0.1}}}}};
};

TEST_F(RecordedState, IsRead) {
  const StoredOptimizer opened = open();
  const AdamWParameter& first = opened.of(0);
  EXPECT_EQ(first.updates, 3);
  EXPECT_EQ(first.learning_rate, 0.5);
  EXPECT_EQ(first.beta1, 0.9);
  EXPECT_EQ(first.beta2, 0.99);
  EXPECT_EQ(first.epsilon, 1e-8);
  EXPECT_EQ(first.weight_decay, 0.1);
  std::vector<double> values(2);
  to_double(first.second_moment, values);
  EXPECT_THAT(values, ElementsAre(3, 4));
  EXPECT_EQ(opened.frozen(), 0U);
}

TEST_F(RecordedState, ThatSaysSomethingElseIsRefused) {
  EXPECT_THAT(refusal([](auto& j) { j["optimizer"] = "sgd"; }),
              AllOf(HasSubstr("optimizer.json: "), HasSubstr("another optimizer than adamw")));
  EXPECT_THAT(refusal([](auto& j) { j.erase("optimizer"); }), HasSubstr("optimizer.json: "));
  for (const char* key :
       {"updates", "learning_rate", "beta1", "beta2", "epsilon", "weight_decay", "parameters"}) {
    EXPECT_THAT(refusal([key](auto& j) { j["groups"][0].erase(key); }),
                AllOf(HasSubstr("optimizer.json: "), HasSubstr(key)));
    if (key == std::string("parameters")) continue;
    EXPECT_THAT(refusal([key](auto& j) { j["groups"][0][key] = "some"; }),
                HasSubstr("optimizer.json: "));
  }
}

TEST_F(RecordedState, OfOtherWeightsIsRefused) {
  EXPECT_THAT(refusal([](auto& j) { j["groups"][0]["parameters"] = {"a"}; }),
              AllOf(HasSubstr("optimizer.safetensors: "),
                    HasSubstr("holds 4 moments, and the 1 parameters of optimizer.json need 2")));
  EXPECT_THAT(refusal([](auto& j) {
                j["groups"][0]["parameters"] = {"a", "c"};
              }),
              HasSubstr("names parameters that the weights do not have"));
  write();
  const auto moments_refusal = [this](const std::string& bytes) {
    write_bytes(folder / "optimizer.safetensors", bytes);
    return data_error([this] { open(); });
  };
  EXPECT_THAT(moments_refusal(vectors({{"a.exp_avg", {1, 2}},
                                       {"a.exp_avg_sq", {3}},
                                       {"b.exp_avg", {5}},
                                       {"b.exp_avg_sq", {6}}})),
              AllOf(HasSubstr("a.exp_avg_sq is [1]"), HasSubstr("the weights are [2]")));
  EXPECT_THAT(
      moments_refusal(vectors(
          {{"a.exp_avg", {1, 2}}, {"a.exp_avg_sq", {3, 4}}, {"b.exp_avg", {5}}, {"b.other", {6}}})),
      HasSubstr("has no b.exp_avg_sq"));
}

TEST_F(RecordedState, OfAParameterMayBeMissingWhereItStandsStill) {
  json["groups"][0]["parameters"] = {"a"};
  write();
  write_bytes(folder / "optimizer.safetensors",
              vectors({{"a.exp_avg", {1, 2}}, {"a.exp_avg_sq", {3, 4}}}));
  moves = false;
  EXPECT_EQ(open().frozen(), 1U);
  moves = std::nullopt;  // there is no other checkpoint
  EXPECT_EQ(open().frozen(), 1U);
  moves = true;
  EXPECT_THAT(data_error([this] { open(); }),
              AllOf(HasSubstr("has no state of b"), HasSubstr("so it is not frozen")));
  json["groups"] = nlohmann::json::array();
  write();
  write_bytes(folder / "optimizer.safetensors", testing::safetensors("{}"));
  EXPECT_THAT(data_error([this] { open(); }), HasSubstr("no step was made yet"));
}

TEST(StoredOptimizer, IsMissedByName) {
  const TemporaryFolder folder;
  EXPECT_THAT(data_error([&] {
                StoredOptimizer::open(folder.path(), {{"a", {2}}}, [](size_t) { return true; });
              }),
              HasSubstr("holds no optimizer state (optimizer.pt, or optimizer.safetensors)"));
}

}  // namespace
}  // namespace explaind
