// Logits of real checkpoint files against Hugging Face in fp32 (tests/goldens/llama, families).

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/convert.hpp"
#include "model/plain_ops.hpp"
#include "unit/golden.hpp"

namespace explaind::testing {
namespace {

std::vector<at::Tensor> weights_of(const Checkpoint& checkpoint, const Network& network) {
  std::vector<at::Tensor> weights;
  for (const ParameterInfo& parameter : network.parameters()) {
    const at::Tensor weight = at::empty(parameter.shape, at::kFloat);
    to_float(checkpoint.tensor(parameter.name),
             std::span(weight.data_ptr<float>(), static_cast<size_t>(weight.numel())));
    weights.push_back(weight);
  }
  return weights;
}

class LlamaLogits : public ::testing::TestWithParam<std::string> {};

TEST_P(LlamaLogits, AreThoseOfHuggingFace) {
  const Golden golden(GetParam());
  const CheckpointSeries series = CheckpointSeries::open(golden.series());
  for (size_t i = 0; i < series.size(); ++i) {
    require_parameters(golden.network(), series.checkpoint(i).tensors(), "golden");
    PlainOps ops(weights_of(series.checkpoint(i), golden.network()));
    const GoldenTensor expected = golden.tensor("logits." + std::to_string(i));
    const at::Tensor all = at::tensor(expected.values, at::kDouble).view(expected.shape);
    int64_t begin = 0;
    for (const Sample& sample : golden.samples()) {
      const auto length = static_cast<int64_t>(sample.input_ids.size());
      const at::Tensor ids = at::tensor(sample.input_ids, at::kLong).view({1, length});
      const at::Tensor logits = golden.network().forward(ids, ops).select(0, 0).to(at::kDouble);
      const at::Tensor reference = all.narrow(0, begin, length);
      ASSERT_EQ(logits.sizes(), reference.sizes());
      const double scale = reference.abs().max().item<double>();
      EXPECT_LE((logits - reference).abs().max().item<double>(), 1e-5 * scale)
          << sample.id << " at checkpoint " << i;
      begin += length;
    }
    EXPECT_EQ(begin, expected.shape[0]);
  }
}

/// What is read is obeyed: each key alone makes another network.
TEST_P(LlamaLogits, MoveWithEveryKeyOfTheConfig) {
  const Golden golden(GetParam());
  const CheckpointSeries series = CheckpointSeries::open(golden.series());
  PlainOps ops(weights_of(series.checkpoint(0), golden.network()));
  std::vector<int64_t> longest;
  for (const Sample& sample : golden.samples()) {
    if (sample.input_ids.size() > longest.size()) longest = sample.input_ids;
  }
  const at::Tensor ids = at::tensor(longest, at::kLong).view({1, -1});
  const at::Tensor plain = golden.network().forward(ids, ops);
  const nlohmann::json changes = golden.moved();
  for (const auto& [key, value] : changes.items()) {
    nlohmann::json config = series.config();
    config[key] = value;
    if (key == "rope_parameters") config.erase("rope_scaling");
    const auto other = build_network(config, "changed");
    ASSERT_EQ(other->parameters().size(), golden.network().parameters().size()) << key;
    const double moved = (other->forward(ids, ops) - plain).abs().max().item<double>();
    EXPECT_GT(moved, 1e-3 * plain.abs().max().item<double>()) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, LlamaLogits, ::testing::ValuesIn(golden_variants()),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace explaind::testing
