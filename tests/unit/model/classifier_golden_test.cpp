// The classifiers against float64 twins in torch.nn (tests/goldens/models/make_models.py).

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <string>

#include "checkpoint/safetensors_file.hpp"
#include "core/error.hpp"
#include "model/plain_ops.hpp"
#include "model/registry.hpp"

namespace explaind {
namespace {

/// Tensors of a golden file by name.
std::map<std::string, at::Tensor> tensors_of(const SafetensorsFile& file) {
  std::map<std::string, at::Tensor> tensors;
  for (const TensorView& view : file.tensors()) {
    const auto type = view.dtype == Dtype::i64 ? at::kLong : at::kDouble;
    at::Tensor tensor = at::empty(view.shape, type);
    std::memcpy(tensor.data_ptr(), view.data, view.bytes);
    tensors.emplace(view.name, tensor);
  }
  return tensors;
}

class ClassifierGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(ClassifierGolden, LogitsLossAndGradientsAreThoseOfTorch) {
  const SafetensorsFile file(std::string(EXPLAIND_TEST_DATA "/models/") + GetParam() +
                             ".safetensors");
  const std::unique_ptr<Model> model =
      build_model(nlohmann::json::parse(file.metadata().at("model")), "golden");
  const std::map<std::string, at::Tensor> golden = tensors_of(file);
  std::vector<at::Tensor> weights;
  for (const ParameterInfo& parameter : model->parameters()) {
    const at::Tensor& weight = golden.at("parameter/" + parameter.name);
    ASSERT_EQ(weight.sizes().vec(), parameter.shape) << parameter.name;
    weights.push_back(weight.clone().requires_grad_(true));
  }
  PlainOps ops(weights);
  const at::Tensor logits = model->forward(golden.at("input"), ops);
  ASSERT_EQ(logits.sizes(), golden.at("logits").sizes());
  EXPECT_LT((logits - golden.at("logits")).abs().max().item<double>(), 1e-13);
  const at::Tensor loss = at::cross_entropy_loss(logits, golden.at("labels"));
  EXPECT_NEAR(loss.item<double>(), golden.at("loss").item<double>(), 1e-14);
  loss.backward();
  for (size_t i = 0; i < weights.size(); ++i) {
    const std::string& name = model->parameters()[i].name;
    const auto expected = golden.find("gradient/" + name);
    ASSERT_EQ(weights[i].grad().defined(), expected != golden.end()) << name;
    if (expected == golden.end()) continue;
    EXPECT_GT(expected->second.abs().max().item<double>(), 1e-4) << name;
    EXPECT_LT((weights[i].grad() - expected->second).abs().max().item<double>(), 1e-13) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ClassifierGolden,
                         ::testing::Values("grokking_transformer", "cnn", "resnet9"),
                         [](const auto& model) { return model.param; });

TEST(Classifiers, HaveAsManyParametersAsThePapers) {
  const auto count = [](const char* name, const nlohmann::json& config) {
    return parameter_count(*build_model({{"name", name}, {"config", config}}, "test"));
  };
  EXPECT_EQ(
      count("grokking_transformer",
            {{"vocabulary", 115}, {"width", 64}, {"heads", 4}, {"inner", 512}, {"positions", 10}}),
      89664);
  EXPECT_EQ(count("resnet9", {{"channels", 3}, {"width", 64}, {"classes", 2}}), 2271168);
}

TEST(Classifiers, ThatCannotBeBuiltAreRefused) {
  const auto build = [](const nlohmann::json& description) {
    return [description] { build_model(description, "run.json"); };
  };
  using ::testing::HasSubstr;
  using ::testing::ThrowsMessage;
  EXPECT_THAT(build({{"name", "vgg"}, {"config", nlohmann::json::object()}}),
              ThrowsMessage<DataError>(HasSubstr("model 'vgg' is not known")));
  EXPECT_THAT(build({{"config", nlohmann::json::object()}}),
              ThrowsMessage<DataError>(HasSubstr("the model has no name")));
  EXPECT_THAT(build({{"name", "cnn"}}),
              ThrowsMessage<DataError>(HasSubstr("the model has no config")));
  nlohmann::json small = {{"channels", 1}, {"height", 3}, {"width", 6},  {"filters1", 2},
                          {"filters2", 3}, {"hidden", 4}, {"classes", 3}};
  EXPECT_THAT(build({{"name", "cnn"}, {"config", small}}),
              ThrowsMessage<DataError>(HasSubstr("3 × 6 are too small for the model cnn")));
  small["activation"] = "sine";
  EXPECT_THAT(build({{"name", "cnn"}, {"config", small}}),
              ThrowsMessage<DataError>(HasSubstr("model.config.activation is \"sine\"")));
  EXPECT_THAT(build({{"name", "resnet9"}, {"config", {{"channels", 3}, {"width", 4}}}}),
              ThrowsMessage<DataError>(HasSubstr("no \"classes\"")));
  EXPECT_THAT(
      build({{"name", "resnet9"}, {"config", {{"channels", 3}, {"width", 0}, {"classes", 2}}}}),
      ThrowsMessage<DataError>(HasSubstr("model.config.width is 0")));
  EXPECT_THAT(
      build({{"name", "grokking_transformer"},
             {"config",
              {{"vocabulary", 9}, {"width", 10}, {"heads", 3}, {"inner", 4}, {"positions", 4}}}}),
      ThrowsMessage<DataError>(HasSubstr("3 heads do not divide the width 10")));
}

TEST(Classifiers, LayersThatDoNotFollowFromEachOtherAreNamed) {
  const nlohmann::json convolution = {{"type", "conv2d"}, {"in", 2},     {"out", 3},
                                      {"kernel", 3},      {"stride", 2}, {"padding", 1}},
                       flatten = {{"type", "flatten"}},
                       linear = {{"type", "linear"}, {"in", 3 * 4 * 2}, {"out", 5}, {"bias", true}};
  const auto build = [](const nlohmann::json& layers, const nlohmann::json& input) {
    return [=] {
      return build_model(
          {{"name", "sequential"}, {"config", {{"input", input}, {"layers", layers}}}}, "run.json");
    };
  };
  using ::testing::HasSubstr;
  using ::testing::ThrowsMessage;
  const nlohmann::json image = {2, 7, 4};
  EXPECT_EQ(parameter_count(*build({convolution, flatten, linear}, image)()),
            3 * 2 * 9 + 24 * 5 + 5);
  const auto expect = [&](const nlohmann::json& layers, const std::string& message,
                          const nlohmann::json& input) {
    EXPECT_THAT(build(layers, input), ThrowsMessage<DataError>(HasSubstr(message)));
  };
  expect({convolution, linear}, "layer 1 of model.config.layers: it takes vectors", image);
  expect({flatten, convolution, linear}, "layer 1 of model.config.layers: it takes images", image);
  expect({convolution, flatten, linear}, "layer 2 of model.config.layers: in is 24, and 36",
         {2, 8, 5});
  expect(nlohmann::json::array({convolution}), "model.config.layers ends with an image", image);
  expect({flatten, flatten}, "no layer of model.config.layers has parameters", image);
  expect({flatten, {{"type", "batch_norm"}}, linear}, "type 'batch_norm' is not known", image);
  expect({flatten, {{"type", "dropout"}}, linear}, "layer 1 of model.config.layers: \"rate\"",
         image);
  expect({flatten, {{"type", "dropout"}, {"rate", 1.5}}, linear}, "its rate is 1.5", image);
  expect({{{"type", "max_pool2d"}, {"size", 5}}, flatten, linear}, "its 5 × 5 are larger than 4",
         image);
  expect({{{"type", "avg_pool2d"}, {"size", 2}, {"padding", 2}}, flatten, linear},
         "more than half its size", image);
  expect({flatten, {{"type", "leaky_relu"}}, linear}, "\"slope\" is not a number", image);
  expect({flatten, {{"type", "mean_over_image"}}, linear}, "it takes images", image);
  expect({flatten, {{"type", "linear"}, {"in", 56}}}, "layer 1 of model.config.layers: \"out\"",
         image);
  expect({convolution, flatten, linear}, "model.config.input", {2, 8});
  expect({flatten, "linear"}, "layer 1 of model.config.layers: it has no type", image);
  expect({flatten, {{"type", "linear"}, {"name", 3}, {"in", 56}, {"out", 5}, {"bias", true}}},
         "its name is no text", image);
  expect({flatten, {{"type", "linear"}, {"in", 56}, {"out", 0}, {"bias", true}}}, "out is 0",
         image);
  expect({flatten, {{"type", "linear"}, {"in", 56}, {"out", 5}, {"bias", 1}}},
         "\"bias\" is not true or false", image);
  expect(nlohmann::json::array(), "model.config.layers is not a list of layers", image);
  PlainOps ops({});
  EXPECT_THAT(
      ([&] {
        build({convolution, flatten, linear}, image)()->forward(at::zeros({1, 2, 4, 7}), ops);
      }),
      ThrowsMessage<DataError>(
          HasSubstr("model.config.input is [2, 7, 4], and the inputs of the data are")));
}

TEST(InitialWeights, HaveTheRangesOfTorchsLayers) {
  const auto model = build_model(
      {{"name", "resnet9"}, {"config", {{"channels", 3}, {"width", 8}, {"classes", 2}}}}, "test");
  at::Generator generator = at::detail::createCPUGenerator(3);
  const std::vector<at::Tensor> weights = initial_weights(*model, at::kDouble, generator);
  ASSERT_EQ(weights.size(), model->parameters().size());
  for (const at::Tensor& weight : weights) {
    const double bound = 1 / std::sqrt(static_cast<double>(weight.numel() / weight.size(0)));
    const double largest = weight.abs().max().item<double>();
    EXPECT_LE(largest, bound);
    EXPECT_GT(largest, 0.8 * bound);
  }
}

}  // namespace
}  // namespace explaind
