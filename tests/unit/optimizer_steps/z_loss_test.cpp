// The gradient of a training batch with z-loss, where the vocabulary is one slice and where it is
// several, against autograd of the whole.

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/error.hpp"
#include "engines/vocabulary_head.hpp"
#include "model/plain_ops.hpp"
#include "optimizer_steps/blockwise_gradient.hpp"
#include "training/decayed_parameters.hpp"
#include "training/tensor_view_of.hpp"
#include "unit/tiny_models/relu_network.hpp"

namespace explaind::testing {
namespace {

constexpr double z_loss = 0.03;

class ZLoss : public ::testing::TestWithParam<int64_t> {};

TEST_P(ZLoss, IsInTheGradientAsAutogradHasIt) {
  const int64_t vocabulary = GetParam();
  const ReluNetwork network(vocabulary, 3);
  at::manual_seed(5);
  std::vector<at::Tensor> point, sums;
  for (const ParameterInfo& parameter : network.parameters()) {
    point.push_back(at::randn(parameter.shape, at::kDouble));
    sums.push_back(at::zeros(parameter.shape, at::kDouble));
  }
  // Of other lengths; one label is not predicted, one lies in the last slice.
  const std::vector<Sample> samples{
      {.id = "a", .group = "", .input_ids = {1, 4, 2, 0}, .labels = {1, 4, ignored_label, 0}},
      {.id = "b", .group = "", .input_ids = {0, vocabulary - 1}, .labels = {0, vocabulary - 1}}};
  MicroBatch batch = make_micro_batch(samples, Functional::loss_sum());
  batch.weights = {0.25, 0.5};
  const BlockwiseGradient gradient(
      network, [&](ParameterId id) { return view_of("w", point[static_cast<size_t>(id)]); },
      at::kDouble, Device::cpu(), z_loss);
  gradient.add(batch, sums);

  std::vector<at::Tensor> weights;
  for (const at::Tensor& each : point) weights.push_back(each.clone().requires_grad_(true));
  PlainOps ops(weights);
  at::Tensor loss = at::zeros({}, at::kDouble);
  for (size_t s = 0; s < samples.size(); ++s) {
    at::Tensor hidden = at::tensor(samples[s].input_ids, at::kLong).unsqueeze(0);
    for (int64_t block = 0; block < network.blocks(); ++block) {
      hidden = network.block(block, hidden, ops);
    }
    const at::Tensor logits = ops.linear(hidden, {network.unembedding()})[0];
    for (size_t t = 1; t < samples[s].labels.size(); ++t) {
      if (samples[s].labels[t] == ignored_label) continue;
      const at::Tensor row = logits[static_cast<int64_t>(t) - 1], sum = at::logsumexp(row, 0);
      loss = loss + (sum - row[samples[s].labels[t]] + z_loss * sum.square()) * batch.weights[s];
    }
  }
  loss.backward();
  for (size_t i = 0; i < weights.size(); ++i) {
    SCOPED_TRACE(network.parameters()[i].name);
    const at::Tensor apart = (sums[i] - weights[i].grad()).abs().max();
    EXPECT_LT(apart.item<double>(), 1e-13 * weights[i].grad().abs().max().item<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, ZLoss, ::testing::Values(7, 2 * vocabulary_slice + 1234));

TEST(DecayedParameters, AreMatricesAllOrThoseOfAPattern) {
  const ReluNetwork network(7, 3);
  std::vector<std::string> names;
  for (const ParameterInfo& parameter : network.parameters()) names.push_back(parameter.name);
  const auto taken = [&](const std::string& word) {
    std::vector<std::string> found;
    const std::vector<bool> decays = decayed_parameters(word, network).decays;
    for (size_t i = 0; i < names.size(); ++i) {
      if (decays.at(i)) found.push_back(names[i]);
    }
    return found;
  };
  EXPECT_EQ(taken("all"), names);
  EXPECT_EQ(decayed_parameters("all", network).words, "");
  for (size_t i = 0; i < names.size(); ++i) {
    const bool matrix = network.parameters()[i].shape.size() > 1;
    EXPECT_EQ(decayed_parameters("matrices", network).decays.at(i), matrix);
  }
  EXPECT_THAT(taken("^embed"), ::testing::ElementsAre("embed.weight"));
  EXPECT_EQ(taken("^(?!embed)").size(), names.size() - 1);
  EXPECT_THAT(decayed_parameters("^embed", network).words,
              ::testing::HasSubstr("--decay-on '^embed' takes 1 of"));
  EXPECT_THROW(decayed_parameters("matrix", network), UsageError);
  EXPECT_THROW(decayed_parameters("[", network), UsageError);
  EXPECT_THROW(decayed_parameters("", network), UsageError);
}

}  // namespace
}  // namespace explaind::testing
