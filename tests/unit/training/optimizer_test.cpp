// The optimizers against torch.optim, bit for bit (tests/goldens/training/make_optimizers.py).

#include "training/optimizer.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace explaind {
namespace {

const nlohmann::json& goldens() {
  static const nlohmann::json parsed = [] {
    std::ifstream in(EXPLAIND_TEST_DATA "/training/optimizers.json");
    return nlohmann::json::parse(in);
  }();
  return parsed;
}

/// Values written as hexadecimal floats.
at::Tensor golden_tensor(const nlohmann::json& values, size_t parameter, at::ScalarType type) {
  std::vector<double> numbers;
  for (const nlohmann::json& value : values) {
    numbers.push_back(std::strtod(value.get<std::string>().c_str(), nullptr));
  }
  return at::tensor(numbers, at::kDouble)
      .view(goldens()["shapes"][parameter].get<std::vector<int64_t>>())
      .to(type);
}

std::vector<ParameterGroup> groups_of(const nlohmann::json& golden) {
  Hyperparameters values;
  for (const auto& [key, value] : golden["hyperparameters"].items()) {
    hyperparameter(values, key) = value;
  }
  values.nesterov = golden["nesterov"];
  return decay_groups({true, false, true}, values);
}

using GoldenCase = std::tuple<std::string, std::string>;  // name, float64 or float32

class Optimizers : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(Optimizers, StepAsTorchDoes) {
  const nlohmann::json& golden = goldens()["cases"][std::get<0>(GetParam())];
  const nlohmann::json& run = golden[std::get<1>(GetParam())];
  const at::ScalarType type = std::get<1>(GetParam()) == "float64" ? at::kDouble : at::kFloat;
  const double max_norm = golden["max_norm"];
  std::vector<at::Tensor> parameters;
  for (size_t i = 0; i < run["start"].size(); ++i) {
    parameters.push_back(golden_tensor(run["start"][i], i, type).clone().requires_grad_(true));
  }
  const auto optimizer =
      make_optimizer(parse_optimizer(golden["optimizer"], "golden"), parameters, groups_of(golden));
  ASSERT_EQ(optimizer->groups().size(), 2U);
  for (const nlohmann::json& step : run["steps"]) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (step["gradients"][i].is_null()) continue;
      parameters[i].mutable_grad() = golden_tensor(step["gradients"][i], i, type);
    }
    const Clipping clipping = clip_gradients(parameters, max_norm);
    if (max_norm > 0) {
      EXPECT_NEAR(clipping.norm, step["norm"].get<double>(),
                  (type == at::kDouble ? 1e-15 : 1e-6) * clipping.norm);
    } else {
      EXPECT_EQ(clipping.factor, 1.0);
    }
    for (size_t g = 0; g < 2; ++g) {
      optimizer->groups()[g].hyperparameters.learning_rate = step["rates"][g];
    }
    optimizer->step();
    for (size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor expected = golden_tensor(step["after"][i], i, type);
      // Clipped, the factor may differ from torch's by rounding; else the bits are the same.
      const double allowed = max_norm == 0 ? 0 : type == at::kDouble ? 4e-15 : 2e-6;
      EXPECT_LE((parameters[i].detach() - expected).abs().max().item<double>(), allowed)
          << "parameter " << i;
      EXPECT_FALSE(parameters[i].grad().defined());
    }
  }
  EXPECT_EQ(optimizer->states()[0].updates, 5);
  EXPECT_EQ(optimizer->states()[2].updates, 4) << "a step without a gradient was counted";
}

std::vector<GoldenCase> all_cases() {
  std::vector<GoldenCase> cases;
  for (const auto& [name, golden] : goldens()["cases"].items()) {
    cases.emplace_back(name, "float64");
    cases.emplace_back(name, "float32");
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Torch, Optimizers, ::testing::ValuesIn(all_cases()), [](const auto& test) {
  return std::get<0>(test.param) + "_" + std::get<1>(test.param);
});

TEST(Clipping, ScalesToTheNormAndNeverUp) {
  at::Tensor weight = at::zeros({2}, at::kDouble).requires_grad_(true);
  weight.mutable_grad() = at::tensor({3.0, 4.0}, at::kDouble);
  const Clipping down = clip_gradients({weight}, 2.5);
  EXPECT_DOUBLE_EQ(down.norm, 5.0);
  EXPECT_DOUBLE_EQ(down.factor, 2.5 / (5.0 + 1e-6));
  EXPECT_DOUBLE_EQ(weight.grad()[0].item<double>(), 3.0 * down.factor);
  EXPECT_EQ(clip_gradients({weight}, 100).factor, 1.0);
}

TEST(Groups, HoldEveryParameterOnce) {
  const at::Tensor weight = at::zeros({2}, at::kDouble);
  EXPECT_THROW(make_optimizer(OptimizerKind::sgd, {weight, weight}, {{{0}, {}}}),
               std::invalid_argument);
  EXPECT_THROW(make_optimizer(OptimizerKind::sgd, {weight}, {{{0}, {}}, {{0}, {}}}),
               std::invalid_argument);
  EXPECT_EQ(decay_groups({true, true}, {}).size(), 1U);
}

}  // namespace
}  // namespace explaind
