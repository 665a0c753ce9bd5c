// One numbering of parameters for networks of several configs.

#include "model/networks.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/error.hpp"
#include "model/plain_ops.hpp"

namespace explaind {
namespace {

nlohmann::json config_of(const std::string& architecture, bool tied) {
  return {{"architectures", {architecture}},
          {"hidden_size", 8},
          {"intermediate_size", 12},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 2},
          {"num_key_value_heads", 1},
          {"head_dim", 4},
          {"vocab_size", 11},
          {"max_position_embeddings", 16},
          {"tie_word_embeddings", tied},
          {"rms_norm_eps", 1e-5},
          {"hidden_act", "silu"},
          {"rope_theta", 100.0}};
}

const nlohmann::json tied_llama = config_of("LlamaForCausalLM", true),
                     qwen3 = config_of("Qwen3ForCausalLM", false);

/// Weights by name, the same for every network that has them.
std::vector<at::Tensor> weights_of(const Network& network) {
  std::vector<at::Tensor> weights;
  for (const ParameterInfo& parameter : network.parameters()) {
    const auto seed = std::hash<std::string>()(parameter.name) % 1000;
    const at::Tensor flat = at::arange(
        parameter.shape[0] * (parameter.shape.size() > 1 ? parameter.shape[1] : 1), at::kDouble);
    weights.push_back(at::sin(flat * 0.7 + static_cast<double>(seed)).view(parameter.shape) * 0.3);
  }
  return weights;
}

at::Tensor logits_of(const Network& network) {
  const std::vector<at::Tensor> weights = weights_of(network);
  PlainOps ops(weights);
  return network.forward(at::tensor({3, 1, 4, 1, 5, 9}, at::kLong).view({1, 6}), ops);
}

std::vector<std::string> names_of(const std::vector<ParameterInfo>& parameters) {
  std::vector<std::string> names;
  for (const ParameterInfo& each : parameters) names.push_back(each.name);
  return names;
}

TEST(Networks, AreNumberedAlikeAndComputeAsEachAlone) {
  const auto joined = build_networks({{tied_llama, "a"}, {qwen3, "b"}, {tied_llama, "c"}});
  ASSERT_EQ(joined.size(), 3U);
  for (const auto& network : joined) EXPECT_EQ(network->parameters(), joined[0]->parameters());
  const auto llama = build_network(tied_llama, "a"), qwen = build_network(qwen3, "b");
  EXPECT_EQ(names_of(joined[0]->parameters()), names_of(qwen->parameters()));  // it has all
  EXPECT_EQ(joined[0]->parameters().front().uses, 2);                          // where it is tied
  EXPECT_EQ(joined[1]->unembedding(), static_cast<ParameterId>(qwen->parameters().size()) - 1);
  EXPECT_EQ(joined[0]->unembedding(), 0);
  EXPECT_TRUE(at::equal(logits_of(*joined[0]), logits_of(*llama)));
  EXPECT_TRUE(at::equal(logits_of(*joined[1]), logits_of(*qwen)));
  EXPECT_TRUE(at::equal(logits_of(*joined[2]), logits_of(*llama)));
  EXPECT_FALSE(at::allclose(logits_of(*joined[0]), logits_of(*joined[1])));
}

TEST(Networks, ALayersParametersStayTogether) {
  const auto joined = build_networks({{tied_llama, "a"}, {qwen3, "b"}});
  for (const auto& network : joined) {
    for (int64_t block = 1; block + 1 < network->blocks(); ++block) {
      for (const ParameterId id : network->block_parameters(block)) {
        EXPECT_EQ(network->parameters()[static_cast<size_t>(id)].layer, block - 1);
      }
    }
  }
}

TEST(Networks, OneIsItself) {
  const auto joined = build_networks({{tied_llama, "a"}});
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(joined[0]->parameters(), build_network(tied_llama, "a")->parameters());
}

TEST(Networks, ATensorThatIsDividedOtherwiseIsRefused) {
  nlohmann::json heads = tied_llama;
  heads["num_attention_heads"] = 4;
  heads["head_dim"] = 2;
  heads["num_key_value_heads"] = 2;
  EXPECT_THROW(build_networks({{tied_llama, "a"}, {heads, "b"}}), DataError);
}

}  // namespace
}  // namespace explaind
