// Every engine on every family: weight gradients of plain autograd against contractions, tangents,
// directions and per-sample gradients, in fp64 (the checkpoints of tests/goldens/families).

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/convert.hpp"
#include "engines/directional_derivatives.hpp"
#include "engines/directional_ops.hpp"
#include "engines/sample_gradient_ops.hpp"
#include "model/plain_ops.hpp"
#include "path/trajectory.hpp"
#include "unit/golden.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

const std::vector<Granularity> divided{Granularity::tensor, Granularity::head, Granularity::row,
                                       Granularity::neuron};

double largest(const std::vector<double>& values) {
  double size = 0;
  for (const double value : values) size = std::max(size, std::abs(value));
  return size;
}

void expect_alike(const std::vector<double>& found, const std::vector<double>& expected,
                  const ComponentTable& table) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], 1e-11 * largest(expected)) << table.components()[i].name;
  }
}

class FamilyEngines : public ::testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::vector<at::Tensor> weights_of(size_t checkpoint) const {
    std::vector<at::Tensor> weights;
    for (const ParameterInfo& parameter : network.parameters()) {
      const at::Tensor weight = at::empty(parameter.shape, at::kDouble);
      to_double(series.checkpoint(checkpoint).tensor(parameter.name),
                std::span(weight.data_ptr<double>(), static_cast<size_t>(weight.numel())));
      weights.push_back(weight);
    }
    return weights;
  }

  /// Two of the samples, cut to one length: B T.
  [[nodiscard]] at::Tensor ids() const {
    const auto of = [&](size_t sample) {
      return at::tensor(golden.samples()[sample].input_ids, at::kLong).narrow(0, 0, length);
    };
    return at::stack({of(1), of(2)});
  }

  static constexpr int64_t length = 8;  // longer than the windows
  Golden golden{GetParam()};
  const Network& network = golden.network();
  CheckpointSeries series = CheckpointSeries::open(golden.series());
  std::vector<at::Tensor> from = weights_of(0), to = weights_of(1);
  std::vector<at::Tensor> direction = [this] {
    std::vector<at::Tensor> update;
    for (size_t i = 0; i < from.size(); ++i) update.push_back(to[i] - from[i]);
    return update;
  }();
};

TEST_P(FamilyEngines, AContractsWhatAutogradGivesForEveryScalar) {
  const MemoryTrajectory trajectory{{from, to}};
  const Sample& sample = golden.samples()[2];
  const auto dense = dense_scores(network, from, to, sample, gauss_rule(3));
  for (const Granularity granularity : divided) {
    const ComponentTable table(granularity, network.parameters());
    const std::vector<double> expected = sum_to_components(table, dense);
    for (const ProductForm form : {ProductForm::formed, ProductForm::split}) {
      RunOptions options = fixed_rule("gauss:3");
      options.granularity = granularity;
      options.form = form;
      const ScoreTile resident = decompose(network, trajectory, {sample}, options);
      expect_alike(resident.psi, expected, table);
      options.streamed = true;
      EXPECT_EQ(decompose(network, trajectory, {sample}, options).psi, resident.psi);
    }
  }
}

TEST_P(FamilyEngines, PositionsAddUpInEveryDivision) {
  const MemoryTrajectory trajectory{{from, to}};
  for (const Granularity granularity : divided) {
    RunOptions options = fixed_rule("gauss:3");
    options.granularity = granularity;
    const ScoreTile whole = decompose(network, trajectory, golden.samples(), options);
    options.solver.axes.position = true;
    const ScoreTile kept = decompose(network, trajectory, golden.samples(), options);
    const size_t components = whole.psi.size() / golden.samples().size();
    const size_t positions = kept.psi.size() / whole.psi.size();
    for (size_t i = 0; i < whole.psi.size(); ++i) {
      double sum = 0;
      for (size_t p = 0; p < positions; ++p) {
        sum += kept.psi[(i / components * positions + p) * components + i % components];
      }
      ASSERT_NEAR(sum, whole.psi[i], 1e-11 * largest(whole.psi));
    }
  }
}

TEST_P(FamilyEngines, CCarriesTheDerivativeOfEveryLogit) {
  const DirectionalDerivatives found = directional_derivatives(network, ids(), from, {direction});
  // Of three logits: the gradient, from weights that require one, times the direction.
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& weight : from) leaves.push_back(weight.clone().requires_grad_(true));
  PlainOps ops(leaves);
  const at::Tensor logits = network.forward(ids(), ops);
  EXPECT_LT((found.values - logits).abs().max().item<double>(),
            1e-12 * logits.abs().max().item<double>());
  at::Tensor places = at::zeros({3, logits.numel()}, at::kDouble);
  for (int64_t i = 0; i < 3; ++i) places[i][(i + 1) * logits.numel() / 4] = 1;
  for (int64_t i = 0; i < 3; ++i) {
    (logits.flatten() * places[i]).sum().backward({}, /*retain_graph=*/true);
    double expected = 0;
    for (size_t p = 0; p < leaves.size(); ++p) {
      if (!leaves[p].grad().defined()) continue;
      expected += (leaves[p].grad() * direction[p]).sum().item<double>();
      leaves[p].mutable_grad().reset();
    }
    const double derivative = (found.derivatives.flatten() * places[i]).sum().item<double>();
    EXPECT_NEAR(derivative, expected, 1e-11 * (1 + std::abs(expected)));
  }
}

TEST_P(FamilyEngines, DirectionsAndSamplesGradientsAreThoseOfAutograd) {
  at::manual_seed(3);
  const at::Tensor factors = at::randn({2, length, network.vocabulary()}, at::kDouble);
  std::vector<ParameterRows> whole;
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < from.size(); ++i) {
    whole.push_back(
        {.parameter = static_cast<ParameterId>(i), .first = 0, .count = from[i].size(0)});
    std::vector<int64_t> shape = from[i].sizes().vec();
    if (shape.size() == 1) shape = {shape[0]};
    shape.insert(shape.begin(), 2);
    gradients.push_back(at::zeros(shape, at::kDouble));
  }
  SampleGradientOps of_samples(from, whole, gradients);
  (network.forward(ids(), of_samples) * factors).sum().backward();
  for (const Granularity granularity : divided) {
    const ComponentTable table(granularity, network.parameters());
    at::Tensor scores = at::zeros({1, 2, table.size()}, at::kDouble);
    const std::vector<Direction> directions{direction};
    DirectionalOps along(from, directions, table, scores);
    (network.forward(ids(), along) * factors).sum().backward();
    for (int64_t b = 0; b < 2; ++b) {
      std::vector<at::Tensor> leaves, dense;
      for (const at::Tensor& weight : from) leaves.push_back(weight.clone().requires_grad_(true));
      PlainOps ops(leaves);
      (network.forward(ids().narrow(0, b, 1), ops) * factors.narrow(0, b, 1)).sum().backward();
      for (size_t i = 0; i < leaves.size(); ++i) {
        const double size = leaves[i].grad().abs().max().item<double>();
        EXPECT_LT((gradients[i][b] - leaves[i].grad()).abs().max().item<double>(), 1e-11 * size)
            << network.parameters()[i].name;
        dense.push_back(leaves[i].grad() * direction[i]);
      }
      const at::Tensor row = scores[0][b].contiguous();
      expect_alike({row.data_ptr<double>(), row.data_ptr<double>() + row.numel()},
                   sum_to_components(table, dense), table);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, FamilyEngines,
                         ::testing::Values("gpt_neox", "gpt_neox_serial", "olmo", "olmo2", "olmo3",
                                           "qwen2", "qwen3", "smollm3", "mistral", "apertus",
                                           "gemma2", "gemma3", "gpt2", "llama_yarn", "llama_gelu"),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace explaind::testing
