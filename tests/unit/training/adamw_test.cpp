#include "training/adamw.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace explaind {
namespace {

at::Tensor tensor_of(const nlohmann::json& values, const nlohmann::json& shape) {
  return at::tensor(values.get<std::vector<double>>(), at::kDouble)
      .view(shape.get<std::vector<int64_t>>());
}

TEST(AdamW, StepsAsTorchDoes) {
  std::ifstream in(EXPLAIND_TEST_DATA "/training/adamw.json");
  const nlohmann::json golden = nlohmann::json::parse(in);
  const nlohmann::json& options = golden["options"];
  std::vector<at::Tensor> parameters;
  for (size_t i = 0; i < golden["start"].size(); ++i) {
    parameters.push_back(tensor_of(golden["start"][i], golden["shapes"][i]).requires_grad_(true));
  }
  AdamW optimizer(parameters, golden["decay"].get<std::vector<bool>>(),
                  {.beta1 = options["beta1"],
                   .beta2 = options["beta2"],
                   .epsilon = options["epsilon"],
                   .weight_decay = options["weight_decay"]});
  for (const nlohmann::json& step : golden["steps"]) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (step["gradients"][i].is_null()) continue;
      parameters[i].mutable_grad() = tensor_of(step["gradients"][i], golden["shapes"][i]);
    }
    EXPECT_NEAR(clip_gradients(parameters, options["max_norm"]), step["norm"].get<double>(), 1e-12);
    optimizer.step(step["learning_rate"]);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor expected = tensor_of(step["after"][i], golden["shapes"][i]);
      EXPECT_LT((parameters[i].detach() - expected).abs().max().item<double>(), 1e-13)
          << "parameter " << i;
      EXPECT_FALSE(parameters[i].grad().defined());
    }
  }
}

}  // namespace
}  // namespace explaind
