// Unsharded checkpoints of OLMo: what its own library wrote, and what is refused of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "checkpoint/convert.hpp"
#include "checkpoint/layouts/olmo_settings.hpp"
#include "checkpoint/layouts/plain_yaml.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/weight_file.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_states.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

const fs::path olmo_goldens = fs::path(EXPLAIND_TEST_DATA) / "saved_states";

nlohmann::json said_of(const char* kind, const char* step) {
  return nlohmann::json::parse(testing::read_bytes(olmo_goldens / kind / "said.json"))[step];
}

class OlmoFolder : public ::testing::Test {
 protected:
  void SetUp() override { copy("olmo2", "step3-unsharded"); }
  void copy(const char* kind, const char* step) {
    fs::remove_all(folder / "c");
    fs::copy(olmo_goldens / kind / step, folder / "c", fs::copy_options::recursive);
    settings = testing::read_bytes(folder / "c" / "config.yaml");
  }
  /// With this change of config.yaml alone.
  std::string refusal(const std::string& from, const std::string& to) {
    std::string changed = settings;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    testing::write_bytes(folder / "c" / "config.yaml", changed);
    return asking();
  }
  std::string asking() {
    return data_error([this] { open_saved_state(folder / "c")->optimizer(); });
  }
  TemporaryFolder folder;
  std::string settings;
};

TEST_F(OlmoFolder, HasTheNamesAndRowsOfHuggingFace) {
  for (const char* kind : {"olmo1", "olmo2"}) {
    for (const char* step : {"2", "3"}) {
      copy(kind, (std::string("step") + step + "-unsharded").c_str());
      const auto state = testing::open_prepared(folder / "c");
      std::map<std::string, std::vector<int64_t>> shapes;
      for (const TensorView& each : state->weights()) shapes.emplace(each.name, each.shape);
      EXPECT_EQ(shapes.size(), kind == std::string("olmo2") ? 14U : 9U);
      EXPECT_EQ(shapes.at("model.layers.0.self_attn.k_proj.weight"), (std::vector<int64_t>{4, 8}));
      EXPECT_EQ(shapes.at("model.layers.0.mlp.gate_proj.weight"), (std::vector<int64_t>{8, 8}));
      const SavedOptimizer& optimizer = testing::prepared_optimizer(*state);
      EXPECT_EQ(optimizer.moments.size(), shapes.size());
      for (const SavedMoments& each : optimizer.moments) {
        EXPECT_EQ(each.first.shape, shapes.at(each.name)) << each.name;
        EXPECT_EQ(each.updates, std::stoi(step));
        const AdamWGroup& group = optimizer.groups.at(each.group);
        EXPECT_EQ(group.weight_decay, each.name.find("embed") == std::string::npos ? 0.1 : 0.0);
        EXPECT_DOUBLE_EQ(group.learning_rate, said_of(kind, step)["next_rate"]);
      }
    }
  }
}

TEST_F(OlmoFolder, TellsGateAndUpApart) {
  const auto model = open_weight_file(folder / "c" / "model.pt");
  const auto state = testing::open_prepared(folder / "c");
  const auto values = [](const TensorView& view) {
    std::vector<double> all(static_cast<size_t>(view.elements()));
    to_double(view, all);
    return all;
  };
  for (const TensorView& saved : model->tensors()) {
    if (saved.name != "transformer.blocks.0.ff_proj.weight") continue;
    for (const TensorView& own : state->weights()) {
      if (own.name == "model.layers.0.mlp.up_proj.weight") {
        EXPECT_EQ(values(own), values(saved.rows(0, 8)));
      }
      if (own.name == "model.layers.0.mlp.gate_proj.weight") {
        EXPECT_EQ(values(own), values(saved.rows(8, 8)));
      }
    }
  }
}

TEST_F(OlmoFolder, WhoseScheduleIsNotKnownIsRefused) {
  EXPECT_THAT(
      refusal("cosine_with_warmup", "max_scheduler"),
      AllOf(HasSubstr("config.yaml"), HasSubstr("its schedule max_scheduler is not known")));
  EXPECT_THAT(refusal("t_warmup: 2", "t_warmup: 4"), HasSubstr("at step 3, and optim.pt has "));
  EXPECT_THAT(refusal("max_duration: 10", "max_duration: 2ep"),
              HasSubstr("how long the training is"));
  EXPECT_THAT(refusal("learning_rate: 0.01", "learning_rate: null"),
              HasSubstr("does not say learning_rate"));
  EXPECT_THAT(refusal("name: adamw", "name: lionw"), HasSubstr("the optimizer \"lionw\""));
  EXPECT_THAT(refusal("selective_updates: false", "selective_updates: true"),
              HasSubstr("selective_updates"));
}

TEST_F(OlmoFolder, WithoutAFileIsRefusedByItsName) {
  for (const char* file : {"optim.pt", "train.pt", "config.yaml"}) {
    copy("olmo2", "step3-unsharded");
    fs::remove(folder / "c" / file);
    EXPECT_THAT(asking(), HasSubstr(std::string("has no ") + file));
    EXPECT_EQ(open_saved_state(folder / "c")->weights().size(), 14U);
  }
  fs::remove(folder / "c" / "optim.pt");
  fs::remove(folder / "c" / "train.pt");
  EXPECT_FALSE(holds_saved_state(folder / "c"));
}

TEST_F(OlmoFolder, OfAnotherModelIsRefused) {
  testing::TorchWriter file;
  const std::string tensor = file.tensor({1, 2});
  file.write(folder / "c" / "model.pt",
             testing::pickled(testing::Entries{{"transformer.blocks.0.attn_out.bias", tensor}}));
  EXPECT_THAT(data_error([&] { open_saved_state(folder / "c"); }),
              HasSubstr("transformer.blocks.0.attn_out.bias, which no OLMo of Hugging Face has"));
  copy("olmo2", "step3-unsharded");
  EXPECT_TRUE(open_saved_state(folder / "c")->config());
  for (const auto& [from, to] :
       {std::pair("rope: true", "rope: false"), std::pair("norm_after: true", "norm_after: false"),
        std::pair("include_bias: false", "include_bias: true")}) {
    refusal("name: adamw", "name: lionw");  // writes the settings
    std::string changed = settings;
    changed.replace(changed.find(from), std::string(from).size(), to);
    testing::write_bytes(folder / "c" / "config.yaml", changed);
    EXPECT_FALSE(open_saved_state(folder / "c")->config()) << from;
  }
}

/// The rates that OLMo's own schedules give.
TEST(OlmoSchedule, GivesTheRateOfEachStep) {
  const auto rate = [](const std::string& name, int64_t step, const nlohmann::json& more = {}) {
    nlohmann::json settings{{"optimizer", {{"learning_rate", 1.0}}},
                            {"scheduler", {{"name", name}, {"t_warmup", 10}, {"alpha_f", 0.1}}},
                            {"max_duration", 110},
                            {"global_train_batch_size", 2},
                            {"model", {{"max_sequence_length", 5}}}};
    if (!more.is_null()) settings.merge_patch(more);
    return olmo_learning_rate(settings, {.step = 50, .tokens = 500}, step, "x");
  };
  EXPECT_DOUBLE_EQ(rate("constant", 5), 1);
  EXPECT_DOUBLE_EQ(rate("constant_with_warmup", 5), 0.55);
  EXPECT_DOUBLE_EQ(rate("constant_with_warmup", 50), 1);
  EXPECT_DOUBLE_EQ(rate("linear_with_warmup", 60), 0.55);
  EXPECT_DOUBLE_EQ(rate("cosine_with_warmup", 60), 0.55);
  EXPECT_DOUBLE_EQ(rate("cosine_with_warmup", 200), 0.1);
  EXPECT_DOUBLE_EQ(rate("cosine_linear_envelope", 60), 0.1 + 0.5 * 0.45);
  EXPECT_DOUBLE_EQ(rate("inverse_sqrt_with_warmup", 40), 0.5);
  EXPECT_DOUBLE_EQ(rate("linear_with_warmup", 60, {{"scheduler", {{"t_max", 60}}}}), 0.1);
  // In tokens: ten a batch, 500 seen at step 50; 600 at step 60.
  const nlohmann::json tokens{{"scheduler", {{"units", "tokens"}, {"t_warmup", 100}}}};
  EXPECT_DOUBLE_EQ(rate("linear_with_warmup", 60, tokens), 0.55);
  nlohmann::json long_one = tokens;
  long_one["max_duration"] = "1.1e3T";
  EXPECT_DOUBLE_EQ(rate("linear_with_warmup", 60, long_one), 0.55);
  EXPECT_DOUBLE_EQ(rate("linear_with_warmup", 60, {{"max_duration", "1.1e3T"}}), 0.55);
}

nlohmann::json yaml(const std::string& text) {
  const TemporaryFolder folder;
  testing::write_bytes(folder / "a.yaml", text);
  return read_plain_yaml(folder / "a.yaml");
}

TEST(PlainYaml, IsReadAsItStands) {
  EXPECT_EQ(
      yaml("a: 1\nb:\n  c: 1.5e-3\n  d: true\n  e:\n  - x\n  - y: 1\n    z: 2\n  - 3\nf: 'a: b'\n"
           "g: null\nh: some words  # a remark\ni:\nj: {}\n"),
      nlohmann::json::parse(R"({"a": 1, "b": {"c": 0.0015, "d": true, "e": ["x", null, 3]},
                "f": "a: b", "g": null, "h": "some words", "i": null, "j": {}})"));
}

TEST(PlainYaml, ThatIsNotPlainIsRefused) {
  const auto refused = [](const std::string& text) { return data_error([&] { yaml(text); }); };
  EXPECT_THAT(refused("a: 1\na: 2\n"), AllOf(HasSubstr("a.yaml:2"), HasSubstr("gives a twice")));
  EXPECT_THAT(refused("a: 1\n  b: 2\n"), HasSubstr("a.yaml:2"));
  EXPECT_THAT(refused("a: &x 1\n"), HasSubstr("a value that is not plain"));
  EXPECT_THAT(refused("a: [1, 2]\n"), HasSubstr("a value that is not plain"));
  EXPECT_THAT(refused("\ta: 1\n"), HasSubstr("has a tab"));
  EXPECT_THAT(refused("words\n"), HasSubstr("is no `key: value`"));
}

}  // namespace
}  // namespace explaind
