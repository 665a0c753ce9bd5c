#pragma once
// The Llama family (EuroLLM, SmolLM2, TinyLlama, Amber): pre-norm blocks, grouped-query attention
// with rotary positions, SwiGLU. Numerics follow Hugging Face; fp64 computes everything in double.

#include <string>
#include <vector>

#include "checkpoint/model_config.hpp"
#include "model/network.hpp"
#include "model/smoothness.hpp"

namespace explaind {

/// Blocks: 0 the embedding, 1 … L the layers, L+1 the final norm.
class LlamaNetwork final : public Network, public OfSmoothness {
 public:
  explicit LlamaNetwork(const ModelConfig& config);

  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const override {
    return parameters_;
  }
  [[nodiscard]] int64_t blocks() const override { return config_.layers + 2; }
  [[nodiscard]] at::Tensor block(int64_t index, const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] std::vector<ParameterId> block_parameters(int64_t index) const override;
  [[nodiscard]] ParameterId unembedding() const override { return unembedding_; }
  [[nodiscard]] int64_t vocabulary() const override { return config_.vocabulary; }
  [[nodiscard]] int64_t max_positions() const override { return config_.max_positions; }
  /// SiLU, norms and softmax.
  [[nodiscard]] Smoothness smoothness() const override { return Smoothness::smooth; }
  [[nodiscard]] bool ignores(const std::string& tensor) const override;
  [[nodiscard]] std::string contradiction(
      const TensorView& ignored, const std::map<std::string, TensorView>& tensors) const override;

 private:
  /// A projection of one layer: its weight, and its bias where the config has one.
  struct Linear {
    ParameterId weight = no_parameter, bias = no_parameter;
  };
  struct Layer {
    ParameterId input_norm = no_parameter, post_attention_norm = no_parameter;
    Linear q, k, v, o, gate, up, down;
  };

  ParameterId add(ParameterInfo info);
  /// matrix: named without ".weight".
  Linear add_linear(ParameterInfo matrix, bool has_bias);
  Layer add_layer(int layer);

  [[nodiscard]] at::Tensor norm(const at::Tensor& x, ParameterId gain, Ops& ops) const;
  [[nodiscard]] at::Tensor attention(const at::Tensor& x, const Layer& layer, Ops& ops) const;
  [[nodiscard]] at::Tensor mlp(const at::Tensor& x, const Layer& layer, Ops& ops) const;

  ModelConfig config_;
  std::vector<ParameterInfo> parameters_;
  std::vector<Layer> layers_;
  ParameterId embedding_ = no_parameter, final_norm_ = no_parameter, unembedding_ = no_parameter;
};

}  // namespace explaind
