// The Llama network's table of parameters, its refusals, and causality.

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "model/plain_ops.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

DecoderConfig small() {
  DecoderConfig config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = 12;
  config.intermediate_size = 20;
  config.layers = 2;
  config.heads = 4;
  config.key_value_heads = 2;
  config.head_dim = 4;
  config.vocabulary = 31;
  config.max_positions = 32;
  return config;
}

const ParameterInfo& parameter(const Network& network, const std::string& name) {
  const auto& all = network.parameters();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const ParameterInfo& each) { return each.name == name; });
  if (found == all.end()) throw std::runtime_error("no parameter " + name);
  return *found;
}

std::vector<at::Tensor> random_weights(const Network& network) {
  at::manual_seed(3);
  std::vector<at::Tensor> weights;
  for (const ParameterInfo& each : network.parameters()) {
    weights.push_back(at::randn(each.shape, at::kDouble).mul_(0.5));
  }
  return weights;
}

TEST(LlamaParameters, KnowTheirKindsLayersAndHeads) {
  const Decoder network(small());
  EXPECT_EQ(network.parameters().size(), 1U + 2 * 9 + 2);
  const std::string layer = "model.layers.1.";
  const ParameterInfo& q = parameter(network, layer + "self_attn.q_proj.weight");
  EXPECT_EQ(q.shape, (std::vector<int64_t>{16, 12}));
  EXPECT_EQ(q.heads, 4);
  EXPECT_FALSE(q.heads_by_input);
  EXPECT_EQ(q.layer, 1);
  EXPECT_EQ(q.layer_name, "layer.1");
  EXPECT_EQ(q.kind, "attention");
  // Grouped queries: keys and values have fewer heads, of the same width.
  for (const char* name : {"self_attn.k_proj.weight", "self_attn.v_proj.weight"}) {
    EXPECT_EQ(parameter(network, layer + name).shape, (std::vector<int64_t>{8, 12}));
    EXPECT_EQ(parameter(network, layer + name).heads, 2);
  }
  const ParameterInfo& o = parameter(network, layer + "self_attn.o_proj.weight");
  EXPECT_EQ(o.shape, (std::vector<int64_t>{12, 16}));
  EXPECT_EQ(o.heads, 4);
  EXPECT_TRUE(o.heads_by_input);
  EXPECT_EQ(parameter(network, layer + "mlp.down_proj.weight").kind, "mlp");
  EXPECT_EQ(parameter(network, layer + "mlp.down_proj.weight").heads, 0);
  EXPECT_EQ(parameter(network, layer + "input_layernorm.weight").kind, "norm");
  EXPECT_EQ(parameter(network, "model.norm.weight").layer_name, "final_norm");
  EXPECT_EQ(parameter(network, "model.norm.weight").layer, 2);
  EXPECT_EQ(parameter(network, "lm_head.weight").kind, "unembedding");
  EXPECT_EQ(parameter(network, "model.embed_tokens.weight").layer, -1);
}

TEST(LlamaParameters, ATiedMatrixIsThereOnce) {
  DecoderConfig config = small();
  config.tied = true;
  const Decoder network(config);
  EXPECT_EQ(network.parameters().size(), 1U + 2 * 9 + 1);
  EXPECT_THROW(parameter(network, "lm_head.weight"), std::runtime_error);
  EXPECT_TRUE(network.ignores("lm_head.weight"));
  EXPECT_FALSE(Decoder(small()).ignores("lm_head.weight"));
}

/// Of these values; the view lives as long as they do.
TensorView view_of(const std::string& name, const std::vector<float>& values,
                   std::vector<int64_t> shape) {
  return {.name = name,
          .dtype = Dtype::f32,
          .shape = std::move(shape),
          .data = reinterpret_cast<const std::byte*>(values.data()),
          .bytes = values.size() * sizeof(float)};
}

TEST(LlamaIgnores, AStoredHeadMustBeTheEmbeddingItIsTiedTo) {
  DecoderConfig config = small();
  config.tied = true;
  const Decoder network(config);
  const std::vector<float> embedding{1, 2, 3, 4}, other{1, 2, 3, 5};
  const auto said = [&](const std::vector<float>& head) {
    std::map<std::string, TensorView> tensors;
    tensors["model.embed_tokens.weight"] = view_of("model.embed_tokens.weight", embedding, {2, 2});
    tensors["lm_head.weight"] = view_of("lm_head.weight", head, {2, 2});
    try {
      require_agreement(network, tensors, "step-7");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(said(std::vector<float>(embedding)), "");
  EXPECT_THAT(said(other), AllOf(HasSubstr("step-7: "), HasSubstr("lm_head.weight"),
                                 HasSubstr("1 of 4 elements differ"), HasSubstr("--tied-head")));
}

TEST(LlamaIgnores, StoredRotaryTablesMustBeTheConfigs) {
  DecoderConfig config = small();
  const auto said = [&](double theta, double scale) {
    std::vector<float> stored;
    for (int64_t i = 0; i < config.head_dim; i += 2) {
      stored.push_back(static_cast<float>(
          1 / scale /
          std::pow(theta, static_cast<double>(i) / static_cast<double>(config.head_dim))));
    }
    const std::string name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    const TensorView view = view_of(name, stored, {static_cast<int64_t>(stored.size())});
    return Decoder(config).contradiction(view, {});
  };
  EXPECT_EQ(said(config.ropes[0].theta, 1), "");
  EXPECT_EQ(said(config.ropes[0].theta, 1.002), "");  // rounded to 8 bits
  EXPECT_THAT(said(config.ropes[0].theta * 50, 1), HasSubstr("other rotary frequencies"));
  EXPECT_THAT(said(config.ropes[0].theta, 4), HasSubstr("other rotary frequencies"));
  config.ropes[0].type = RopeType::linear;
  config.ropes[0].factor = 4;
  EXPECT_EQ(said(config.ropes[0].theta, 4), "");
  EXPECT_EQ(said(config.ropes[0].theta, 1), "");  // the positions were scaled then
}

TEST(Decoder, LaterTokensAndPaddingDoNotChangeEarlierLogits) {
  const Decoder network(small());
  PlainOps ops(random_weights(network));
  const at::Tensor ids = at::randint(31, {2, 9}, at::kLong);
  const at::Tensor whole = network.forward(ids, ops);
  at::Tensor changed = ids.clone();
  changed.narrow(1, 6, 3).fill_(0);
  const at::Tensor padded = network.forward(changed, ops);
  EXPECT_LT((whole - padded).narrow(1, 0, 6).abs().max().item<double>(), 1e-13);
  EXPECT_GT((whole - padded).narrow(1, 6, 3).abs().max().item<double>(), 1e-3);
  // A sample does not see its neighbour.
  const at::Tensor alone = network.forward(ids.narrow(0, 1, 1), ops);
  EXPECT_LT((whole.narrow(0, 1, 1) - alone).abs().max().item<double>(), 1e-13);
}

TEST(BuildNetwork, NamesAnArchitectureItDoesNotKnow) {
  const nlohmann::json config = {{"architectures", {"BloomForCausalLM"}}, {"model_type", "bloom"}};
  try {
    build_network(config, "a/config.json");
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("BloomForCausalLM"));
    EXPECT_THAT(error.what(), HasSubstr("a/config.json"));
  }
}

std::map<std::string, TensorView> views_of(const Network& network) {
  std::map<std::string, TensorView> views;
  for (const ParameterInfo& each : network.parameters()) {
    views[each.name] = {.name = each.name, .dtype = Dtype::bf16, .shape = each.shape};
  }
  return views;
}

TEST(RequireParameters, NamesMissingExtraAndMisshapenTensors) {
  const Decoder network(small());
  std::map<std::string, TensorView> views = views_of(network);
  EXPECT_NO_THROW(require_parameters(network, views, "here"));
  views["model.layers.0.self_attn.rotary_emb.inv_freq"] = {};  // written by old versions
  EXPECT_NO_THROW(require_parameters(network, views, "here"));
  const auto message = [&](const auto& change) -> std::string {
    auto broken = views_of(network);
    change(broken);
    try {
      require_parameters(network, broken, "step-5");
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message([](auto& v) { v.erase("model.norm.weight"); }),
              AllOf(HasSubstr("model.norm.weight"), HasSubstr("step-5")));
  EXPECT_THAT(message([](auto& v) { v["model.layers.2.mlp.up_proj.weight"] = {}; }),
              HasSubstr("model.layers.2.mlp.up_proj.weight"));
  EXPECT_THAT(message([](auto& v) {
                std::swap(v["model.layers.0.mlp.up_proj.weight"].shape[0],
                          v["model.layers.0.mlp.up_proj.weight"].shape[1]);
              }),
              AllOf(HasSubstr("model.layers.0.mlp.up_proj.weight"), HasSubstr("[12, 20]"),
                    HasSubstr("[20, 12]")));
}

}  // namespace
}  // namespace explaind
