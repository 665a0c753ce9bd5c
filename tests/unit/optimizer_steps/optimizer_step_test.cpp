// One AdamW step at a checkpoint against its formulae written out (method.md §6b): bias correction,
// decay, clipping, groups of their own, a frozen parameter.

#include "optimizer_steps/optimizer_step.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <optional>

#include "checkpoint/safetensors_writer.hpp"
#include "core/error.hpp"
#include "model/plain_ops.hpp"
#include "training/tensor_of.hpp"
#include "training/tensor_view_of.hpp"
#include "unit/temporary_folder.hpp"
#include "unit/tiny_models/relu_network.hpp"

namespace explaind::testing {
namespace {

const ReluNetwork network(7, 3);
constexpr int64_t frozen = 0;  // embed.weight

/// A group of the optimizer.
struct Group {
  std::vector<size_t> members;
  int64_t updates = 0;
  double rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, decay = 0;
};
const std::vector<Group> groups{{{1, 3}, 9, 0.03, 0.9, 0.95, 1e-4, 0.2},
                                {{2}, 0, 0.05, 0.8, 0.9, 1e-3, 0.0}};

/// One checkpoint in memory.
class OnePoint final : public Path {
 public:
  explicit OnePoint(const std::vector<at::Tensor>& point) : point_(point) {}
  [[nodiscard]] size_t size() const override { return 1; }
  [[nodiscard]] int64_t step(size_t /*point*/) const override { return 9; }
  [[nodiscard]] TensorView tensor(size_t /*point*/, ParameterId parameter) const override {
    return view_of("w", point_[static_cast<size_t>(parameter)]);
  }
  [[nodiscard]] std::string describe(size_t /*point*/) const override { return "step-9"; }

 private:
  const std::vector<at::Tensor>& point_;
};

class AdamWStep : public ::testing::Test {
 protected:
  AdamWStep() {
    at::manual_seed(2);
    for (const ParameterInfo& parameter : network.parameters()) {
      point_.push_back(at::randn(parameter.shape, at::kDouble));
      first_.push_back(0.1 * at::randn(parameter.shape, at::kDouble));
      second_.push_back(0.01 * at::rand(parameter.shape, at::kDouble));
    }
    samples_ = {{.id = "a", .group = "", .input_ids = {1, 4, 2}, .labels = {1, 4, 2}},
                {.id = "b", .group = "", .input_ids = {0, 6}, .labels = {0, 6}}};
    write_state();
  }

  void write_state() const {
    std::vector<TensorView> moments;
    nlohmann::json json = {{"optimizer", "adamw"}, {"groups", nlohmann::json::array()}};
    for (const Group& group : groups) {
      nlohmann::json names = nlohmann::json::array();
      for (const size_t i : group.members) {
        names.push_back(network.parameters()[i].name);
        moments.push_back(view_of(network.parameters()[i].name + ".exp_avg", first_[i]));
        moments.push_back(view_of(network.parameters()[i].name + ".exp_avg_sq", second_[i]));
      }
      json["groups"].push_back({{"parameters", names},
                                {"updates", group.updates},
                                {"learning_rate", group.rate},
                                {"beta1", group.beta1},
                                {"beta2", group.beta2},
                                {"epsilon", group.epsilon},
                                {"weight_decay", group.decay}});
    }
    write_safetensors(folder_.path() / "optimizer.safetensors", moments);
    std::ofstream(folder_.path() / "optimizer.json") << json.dump();
  }

  [[nodiscard]] StoredOptimizer state(std::optional<bool> moves) const {
    std::vector<NamedShape> parameters;
    for (const ParameterInfo& each : network.parameters()) {
      parameters.push_back({each.name, each.shape});
    }
    return StoredOptimizer::open(folder_.path(), parameters, [moves](size_t) { return moves; });
  }

  /// Of the mean over the batch's three predicted tokens, by autograd.
  [[nodiscard]] std::vector<at::Tensor> gradients() const {
    std::vector<at::Tensor> weights;
    for (const at::Tensor& weight : point_) weights.push_back(weight.clone().requires_grad_(true));
    PlainOps ops(weights);
    at::Tensor loss = at::zeros({}, at::kDouble);
    for (const Sample& sample : samples_) {
      const at::Tensor ids = at::tensor(sample.input_ids, at::kLong).unsqueeze(0);
      at::Tensor hidden = ids;
      for (int64_t block = 0; block < network.blocks(); ++block) {
        hidden = network.block(block, hidden, ops);
      }
      const at::Tensor logits = ops.linear(hidden, {network.unembedding()})[0];
      const int64_t predicted = ids.size(1) - 1;
      loss = loss + at::cross_entropy_loss(logits.narrow(0, 0, predicted),
                                           ids[0].narrow(0, 1, predicted)) *
                        (static_cast<double>(predicted) / 3);
    }
    loss.backward();
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& weight : weights) gradients.push_back(weight.grad());
    return gradients;
  }

  TemporaryFolder folder_;
  std::vector<at::Tensor> point_, first_, second_;
  std::vector<Sample> samples_;
};

double apart(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / (1e-300 + b.abs().max().item<double>());
}

TEST_F(AdamWStep, IsTheFormulaOfEveryPart) {
  const std::vector<at::Tensor> g = gradients();
  double norm = 0;
  for (size_t i = 1; i < g.size(); ++i) norm += g[i].square().sum().item<double>();
  norm = std::sqrt(norm);  // without the frozen parameter's
  for (const double limit : {0.0, norm / 3}) {
    const TrainingBatch batch(samples_, BatchMean::tokens, TrainingBatch::Axis::none);
    const StepOptions options{
        .max_norm = limit, .arithmetic = at::kDouble, .type = at::kDouble, .micro_batch = 1};
    StepFile file(folder_.path() / "step", layout_of(network, batch, options), true);
    form_step(network, {OnePoint(point_), 0, state(false)}, batch, options, file);
    const double clip = limit == 0 ? 1 : limit / (norm + 1e-6);
    for (const Group& group : groups) {
      const auto k = static_cast<double>(group.updates + 1);
      const double correction1 = 1 - std::pow(group.beta1, k),
                   correction2 = 1 - std::pow(group.beta2, k);
      for (const size_t i : group.members) {
        const at::Tensor x = g[i] * clip;
        const at::Tensor v = second_[i] * group.beta2 + x * x * (1 - group.beta2);
        const at::Tensor scale = group.rate / ((v / correction2).sqrt() + group.epsilon);
        const at::Tensor data = scale * x * (-(1 - group.beta1) / correction1);
        const at::Tensor momentum = scale * first_[i] * (-group.beta1 / correction1);
        const at::Tensor decay = point_[i] * (-group.rate * group.decay);
        EXPECT_LT(apart(tensor_of(file.part(0, i)), data), 1e-12) << i;
        EXPECT_LT(apart(tensor_of(file.part(1, i)), momentum), 1e-12) << i;
        EXPECT_LT((tensor_of(file.part(2, i)) - decay).abs().max().item<double>(), 1e-16) << i;
        EXPECT_LT(tensor_of(file.part(3, i)).abs().max().item<double>(), 1e-14) << "rounding";
        EXPECT_LT(apart(tensor_of(file.end(i)), point_[i] + data + momentum + decay), 1e-14) << i;
      }
    }
    EXPECT_TRUE(tensor_of(file.end(frozen)).equal(point_[frozen]));
    for (int64_t part = 0; part < 4; ++part) {
      EXPECT_EQ(tensor_of(file.part(part, frozen)).abs().max().item<double>(), 0);
    }
  }
}

TEST_F(AdamWStep, OfAParameterWithoutStateIsNoneUnlessItsWeightsMove) {
  EXPECT_EQ(state(false).frozen(), 1U);
  EXPECT_FALSE(state(std::nullopt).of(frozen).stepped) << "of one checkpoint nobody knows";
  EXPECT_THAT([&] { static_cast<void>(state(true)); },
              ::testing::ThrowsMessage<DataError>(
                  ::testing::HasSubstr("has no state of embed.weight, and its weights move")));
}

}  // namespace
}  // namespace explaind::testing
