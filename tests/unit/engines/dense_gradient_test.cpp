// Engine B against engine A, which never forms a gradient, and against dense autograd of its own.

#include "engines/dense_gradient.hpp"

#include <gtest/gtest.h>

#include "engines/component_sums.hpp"
#include "model/decoder.hpp"
#include "model/grokking_transformer.hpp"
#include "model/plain_ops.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

/// The mean loss of a sample's predicted tokens, as engine A's functional `loss`.
Predictions loss_of_sample(const Sample& sample) {
  const auto length = static_cast<int64_t>(sample.input_ids.size());
  at::Tensor labels = at::zeros({1, length}, at::kLong);
  at::Tensor weights = at::zeros({1, length}, at::kDouble);
  for (int64_t t = 0; t + 1 < length; ++t) {
    const int64_t label = sample.labels[static_cast<size_t>(t) + 1];
    if (label < 0) continue;
    labels[0][t] = label;
    weights[0][t] = 1 / static_cast<double>(sample.predicted());
  }
  return {.inputs = at::tensor(sample.input_ids, at::kLong).view({1, length}),
          .functionals = {weighted_losses(labels, weights)}};
}

class EngineB : public ::testing::Test {
 protected:
  static DecoderConfig config() {
    DecoderConfig made = tiny_config();
    made.tied = true;
    return made;
  }
  Decoder network{config()};
  std::vector<at::Tensor> from = random_point(network, 1);
  std::vector<at::Tensor> to = moved(network, from, 2, 0.05);
  MemoryTrajectory trajectory{{from, to}};
  Segment segment{from, to};
  std::vector<Sample> samples = random_samples({7, 3, 11}, 37);
  std::vector<Predictions> predictions() const {
    std::vector<Predictions> all;
    for (const Sample& sample : samples) all.push_back(loss_of_sample(sample));
    return all;
  }
};

TEST_F(EngineB, AgreesWithEngineAToRounding) {
  for (const Granularity granularity :
       {Granularity::kind, Granularity::tensor, Granularity::head, Granularity::row}) {
    for (RunOptions options : {fixed_rule("gauss:4"), adaptive(1e-6)}) {
      options.granularity = granularity;
      const ScoreTile tile = decompose(network, trajectory, samples, options);
      const ComponentTable table(granularity, network.parameters());
      const std::vector<IntegratedGradient> integrals =
          integrate_predictions(network, segment, predictions(), options.solver.quadrature);
      const auto size = static_cast<size_t>(table.size());
      for (size_t s = 0; s < samples.size(); ++s) {
        const SampleVerdict& verdict = integrals[s].verdict;
        EXPECT_EQ(verdict.evaluations, tile.node_count[s]);
        EXPECT_NEAR(verdict.value_from, tile.value_from[s], 1e-13);
        EXPECT_NEAR(verdict.value_to, tile.value_to[s], 1e-13);
        const at::Tensor sums = component_scores(table, dense_scores(segment, integrals[s]));
        for (size_t c = 0; c < size; ++c) {
          EXPECT_NEAR(sums[static_cast<int64_t>(c)].item<double>(), tile.psi[s * size + c], 1e-13)
              << to_string(granularity) << ", " << table.components()[c].name;
        }
      }
    }
  }
}

TEST_F(EngineB, GivesTheGradientOfEveryScalar) {
  QuadratureOptions rule;
  parse_quadrature("gauss:3", rule);
  const auto integrals = integrate_predictions(network, segment, predictions(), rule);
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto expected = dense_scores(network, from, to, samples[s], gauss_rule(3));
    const auto scores = dense_scores(segment, integrals[s]);
    for (size_t i = 0; i < scores.size(); ++i) {
      EXPECT_LT((scores[i] - expected[i]).abs().max().item<double>(), 1e-14);
      EXPECT_GT(scores[i].abs().max().item<double>(), 1e-9);
    }
  }
}

/// Scalars that converge at very different speeds are one functional: its tensors decide.
TEST_F(EngineB, AdaptiveNodesCarryTheWholeChange) {
  const std::vector<Predictions> all = predictions();
  const auto integrals =
      integrate_predictions(network, segment, all, adaptive(1e-8).solver.quadrature);
  for (const IntegratedGradient& each : integrals) {
    double sum = 0;
    for (const at::Tensor& scores : dense_scores(segment, each)) sum += scores.sum().item<double>();
    const double change = each.verdict.value_to - each.verdict.value_from;
    EXPECT_EQ(each.verdict.end, SampleVerdict::End::met);
    EXPECT_LT(std::abs(sum - change), 1e-8 * std::abs(change) + 1e-12);
  }
}

TEST(DenseGradient, ManyFunctionalsAreEachAsAlone) {
  const GrokkingTransformer model(
      {.vocabulary = 6, .width = 8, .heads = 2, .inner = 7, .positions = 3});
  const auto point = [&](uint64_t seed, double scale) {
    at::manual_seed(seed);
    std::vector<at::Tensor> tensors;
    for (const ParameterInfo& parameter : model.parameters()) {
      tensors.push_back(at::randn(parameter.shape, at::kDouble) * scale);
    }
    return tensors;
  };
  Segment segment{point(1, 0.4), point(2, 0.02)};
  for (size_t i = 0; i < segment.to.size(); ++i) segment.to[i] += segment.from[i];
  at::manual_seed(3);
  const at::Tensor ids = at::randint(0, 6, {3, 4}, at::kLong);
  std::vector<Predictions> all;
  for (int64_t x = 0; x < 3; ++x) {
    all.push_back({.inputs = ids.narrow(0, x, 1), .functionals = {}});
    for (int64_t j = 0; j < 6; ++j) {
      at::Tensor one = at::zeros({1, 6}, at::kDouble);
      one[0][j] = 1;
      all.back().functionals.push_back(weighted_outputs(one));
    }
  }
  QuadratureOptions adaptive_rule;
  adaptive_rule.relative = 1e-4;
  for (const bool adapt : {false, true}) {
    QuadratureOptions rule = adaptive_rule;
    if (!adapt) parse_quadrature("gauss:5", rule);
    const auto together = integrate_predictions(model, segment, all, rule);
    ASSERT_EQ(together.size(), 18U);
    for (size_t x = 0; x < 3; ++x) {
      for (size_t j = 0; j < 6; ++j) {
        const std::vector<Predictions> one{{all[x].inputs, {all[x].functionals[j]}}};
        const IntegratedGradient alone = integrate_predictions(model, segment, one, rule)[0];
        const IntegratedGradient& with_others = together[x * 6 + j];
        EXPECT_EQ(alone.verdict.evaluations, with_others.verdict.evaluations);
        for (size_t i = 0; i < alone.gradient.size(); ++i) {
          EXPECT_TRUE(at::equal(alone.gradient[i], with_others.gradient[i]));
        }
        EXPECT_EQ(alone.gradient[1].abs().max().item<double>(), 0)
            << "the unused table of positions";
        EXPECT_GT(alone.gradient[0].abs().max().item<double>(), 0);
      }
    }
    // The sum of all outputs of a sample is a functional of its own.
    const std::vector<Predictions> sum{
        {all[1].inputs, {weighted_outputs(at::ones({1, 6}, at::kDouble))}}};
    if (adapt) continue;
    const IntegratedGradient whole = integrate_predictions(model, segment, sum, rule)[0];
    for (size_t i = 0; i < whole.gradient.size(); ++i) {
      at::Tensor added = at::zeros_like(whole.gradient[i]);
      for (size_t j = 0; j < 6; ++j) added += together[6 + j].gradient[i];
      EXPECT_LT((added - whole.gradient[i]).abs().max().item<double>(), 1e-12);
    }
  }
}

}  // namespace
}  // namespace explaind::testing
