// Engine C against weight gradients times directions, against engine A one output at a time, and
// against differences, for every model.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "engines/attributed_ops.hpp"
#include "engines/directional_derivatives.hpp"
#include "model/decoder.hpp"
#include "model/plain_ops.hpp"
#include "model/registry.hpp"
#include "unit/first_operations.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

/// A model, a point, a direction and inputs, in fp64.
struct Case {
  std::unique_ptr<Model> model;
  at::Tensor inputs;
  std::vector<at::Tensor> point, direction;
};

nlohmann::json classifier(const std::string& name, const std::string& activation) {
  nlohmann::json config;
  if (name == "grokking_transformer") {
    config = {{"vocabulary", 9}, {"width", 8}, {"heads", 2}, {"inner", 12}, {"positions", 4}};
  } else if (name == "cnn") {
    config = {{"channels", 2}, {"height", 9}, {"width", 8},  {"filters1", 3},
              {"filters2", 4}, {"hidden", 5}, {"classes", 3}};
  } else {
    config = {{"channels", 2}, {"width", 2}, {"classes", 3}};
  }
  config["activation"] = activation;
  return {{"name", name}, {"config", config}};
}

Case case_of(const std::string& name, const std::string& activation) {
  at::Generator generator = at::detail::createCPUGenerator(3);
  Case made;
  if (name == "llama") {
    DecoderConfig config = tiny_config();
    config.tied = true;
    config.query_bias = config.output_bias = true;
    made.model = std::make_unique<Decoder>(config);
    made.inputs = at::randint(0, 37, {3, 6}, generator, at::kLong);
  } else if (name.starts_with("first:")) {
    for (const FirstOperation& chain : first_operations()) {
      if ("first:" + chain.name != name) continue;
      made.model = build_model(chain.model, "test");
      made.inputs = numbers_for(chain, 4, 6).inputs;
    }
  } else {
    made.model = build_model(classifier(name, activation), "test");
    made.inputs = name == "grokking_transformer"
                      ? at::randint(0, 9, {4, 4}, generator, at::kLong)
                      : at::randn({4, 2, name == "cnn" ? 9 : 14, name == "cnn" ? 8 : 14}, generator,
                                  at::kDouble);
  }
  made.point = initial_weights(*made.model, at::kDouble, generator);
  for (at::Tensor& weight : made.point) {
    weight.add_(at::randn(weight.sizes(), generator, at::kDouble), 0.1);
    made.direction.push_back(at::randn(weight.sizes(), generator, at::kDouble));
  }
  return made;
}

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

/// Every tensor a component of its own.
Directions every_tensor(const Case& made) {
  std::vector<int64_t> component(made.point.size());
  std::iota(component.begin(), component.end(), 0);
  return by_component(made.direction, component, static_cast<int64_t>(component.size()));
}

class Tangents : public ::testing::TestWithParam<std::pair<std::string, std::string>> {
 protected:
  Case made = case_of(GetParam().first, GetParam().second);
};

TEST_P(Tangents, AreWeightGradientsTimesDirections) {
  const DirectionalDerivatives found =
      directional_derivatives(*made.model, made.inputs, made.point, every_tensor(made));
  std::vector<at::Tensor> weights;
  for (const at::Tensor& weight : made.point) {
    weights.push_back(weight.clone().requires_grad_(true));
  }
  PlainOps ops(weights);
  const at::Tensor outputs = made.model->forward(made.inputs, ops);
  ASSERT_EQ(found.values.sizes(), outputs.sizes());
  EXPECT_LT(largest(found.values - outputs), 1e-12);
  const at::Tensor flat = outputs.flatten();
  const at::Tensor derivatives = found.derivatives.flatten(1);
  for (int64_t j = 0; j < flat.size(0); ++j) {
    flat[j].backward({}, /*retain_graph=*/true);
    for (size_t p = 0; p < weights.size(); ++p) {
      const at::Tensor gradient = weights[p].grad();
      const double expected =
          gradient.defined() ? (gradient * made.direction[p]).sum().item<double>() : 0;
      EXPECT_NEAR(derivatives[static_cast<int64_t>(p)][j].item<double>(), expected,
                  1e-12 * (1 + std::abs(expected)))
          << made.model->parameters()[p].name << ", output " << j;
      if (gradient.defined()) weights[p].mutable_grad().reset();
    }
  }
}

TEST_P(Tangents, AreLimitsOfDifferences) {
  const DirectionalDerivatives found =
      directional_derivatives(*made.model, made.inputs, made.point, {made.direction});
  const auto at_point = [&](double h) {
    std::vector<at::Tensor> weights;
    for (size_t p = 0; p < made.point.size(); ++p) {
      weights.push_back(made.point[p] + made.direction[p] * h);
    }
    PlainOps ops(weights);
    return made.model->forward(made.inputs, ops);
  };
  constexpr double h = 1e-6;
  const at::Tensor difference = (at_point(h) - at_point(-h)) * (2 / (3 * h)) -
                                (at_point(2 * h) - at_point(-2 * h)) / (12 * h);
  EXPECT_LT(largest(found.derivatives[0] - difference), 1e-7 * (1 + largest(difference)));
}

TEST_P(Tangents, OfComponentsAreTheSameAloneAndTogether) {
  std::vector<int64_t> thirds;
  for (size_t p = 0; p < made.point.size(); ++p) thirds.push_back(static_cast<int64_t>(p % 4) - 1);
  const Directions directions = by_component(made.direction, thirds, 3);
  const at::Tensor together =
      directional_derivatives(*made.model, made.inputs, made.point, directions).derivatives;
  const at::Tensor tensors =
      directional_derivatives(*made.model, made.inputs, made.point, every_tensor(made)).derivatives;
  for (int64_t c = 0; c < 3; ++c) {
    const at::Tensor alone = directional_derivatives(*made.model, made.inputs, made.point,
                                                     {directions[static_cast<size_t>(c)]})
                                 .derivatives[0];
    at::Tensor sum = at::zeros_like(alone);
    for (size_t p = 0; p < thirds.size(); ++p) {
      if (thirds[p] == c) sum += tensors[static_cast<int64_t>(p)];
    }
    EXPECT_LT(largest(together[c] - alone), 1e-12 * (1 + largest(alone)));
    EXPECT_LT(largest(together[c] - sum), 1e-11 * (1 + largest(alone)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, Tangents,
    ::testing::Values(std::pair<std::string, std::string>{"llama", "silu"},
                      std::pair<std::string, std::string>{"grokking_transformer", "relu"},
                      std::pair<std::string, std::string>{"grokking_transformer", "gelu"},
                      std::pair<std::string, std::string>{"cnn", "relu"},
                      std::pair<std::string, std::string>{"cnn", "silu"},
                      std::pair<std::string, std::string>{"resnet9", "relu"},
                      std::pair<std::string, std::string>{"resnet9", "gelu"}),
    [](const auto& test) { return test.param.first + "_" + test.param.second; });

/// Weights and updates in memory, all open.
class MemorySource final : public ParameterSource {
 public:
  explicit MemorySource(const Case& made) : made_(made) {}
  void load(int64_t /*segment*/) override {}
  [[nodiscard]] int64_t segment() const override { return 0; }
  void open(const std::vector<ParameterRows>& /*parts*/,
            const std::vector<ParameterRows>& /*next*/) override {}
  void set_node(double /*t*/) override {}
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return made_.point[static_cast<size_t>(parameter)];
  }
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override {
    return made_.direction[static_cast<size_t>(parameter)];
  }
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override {
    return at::embedding(weight(parameter), ids);
  }
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override {
    return at::embedding(delta(parameter), ids);
  }
  [[nodiscard]] const at::Tensor& direction(int64_t /*index*/, ParameterId parameter) override {
    return delta(parameter);  // none is asked for
  }
  [[nodiscard]] at::Tensor direction_rows(int64_t /*index*/, ParameterId parameter,
                                          const at::Tensor& ids) override {
    return delta_rows(parameter, ids);
  }
  [[nodiscard]] const Precision& precision() const override { return precision_; }
  [[nodiscard]] const Device& device() const override { return device_; }

 private:
  const Case& made_;
  Precision precision_{.type = at::kDouble, .products = at::kDouble};
  Device device_ = Device::cpu();
};

class EngineC : public ::testing::TestWithParam<std::string> {};

TEST_P(EngineC, AgreesWithEngineAOneOutputAtATime) {
  const Case made = case_of(GetParam(), "relu");
  const DirectionalDerivatives found =
      directional_derivatives(*made.model, made.inputs, made.point, every_tensor(made));
  const int64_t samples = made.inputs.size(0);
  const at::Tensor derivatives = found.derivatives.flatten(2);  // C B K
  const ComponentTable table(Granularity::tensor, made.model->parameters());
  MemorySource source(made);
  std::vector<Ask> asks(1);
  asks[0].t = 0.5;
  asks[0].samples.resize(static_cast<size_t>(samples));
  std::iota(asks[0].samples.begin(), asks[0].samples.end(), 0);
  asks[0].accumulators = 1;
  asks[0].weights.assign(static_cast<size_t>(samples), 1.0);
  const int64_t positions = GetParam() == "llama" ? made.inputs.size(1) : 1;
  for (int64_t k = 0; k<derivatives.size(2); k += derivatives.size(2)> 50 ? 17 : 1) {
    ScoreAccumulator sink(table, {.samples = samples, .accumulators = 1});
    sink.begin_round(asks);
    Members members;
    for (int64_t b = 0; b < samples; ++b)
      members.push_back({.ask = 0, .row = b, .length = positions});
    sink.begin_evaluation(members);
    AttributedOps ops(source, table, sink);
    made.model->forward(made.inputs, ops).flatten(1).select(1, k).sum().backward();
    sink.end_round();
    for (int64_t b = 0; b < samples; ++b) {
      for (int64_t p = 0; p < derivatives.size(0); ++p) {
        const double scored = sink.values()[0][static_cast<size_t>(b * derivatives.size(0) + p)];
        EXPECT_NEAR(derivatives[p][b][k].item<double>(), scored, 1e-12 * (1 + std::abs(scored)))
            << made.model->parameters()[static_cast<size_t>(p)].name << ", output " << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EngineC, ::testing::Values("llama", "cnn", "resnet9"),
                         [](const auto& test) { return test.param; });

/// "first:NAME" of every chain.
std::vector<std::string> chains() {
  std::vector<std::string> names;
  for (const FirstOperation& chain : first_operations()) names.push_back("first:" + chain.name);
  return names;
}
std::vector<std::pair<std::string, std::string>> chains_with_activation() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& name : chains()) all.emplace_back(name, "relu");
  return all;
}
std::string name_of_chain(const std::string& name) { return name.substr(name.find(':') + 1); }

INSTANTIATE_TEST_SUITE_P(FirstOperations, EngineC, ::testing::ValuesIn(chains()),
                         [](const auto& test) { return name_of_chain(test.param); });
INSTANTIATE_TEST_SUITE_P(FirstOperations, Tangents, ::testing::ValuesIn(chains_with_activation()),
                         [](const auto& test) { return name_of_chain(test.param.first); });

}  // namespace
}  // namespace explaind::testing
