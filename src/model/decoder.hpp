#pragma once
// A language model of decoder blocks, of any family that DecoderConfig describes. Numerics follow
// Hugging Face; fp64 computes everything in double.
//
// Legend: B samples, T positions, C hidden size, H heads, K key-value heads, d head size, V
// vocabulary.

#include <string>
#include <vector>

#include "families/decoder_config.hpp"
#include "model/decoder_parameters.hpp"
#include "model/network.hpp"
#include "model/smoothness.hpp"

namespace explaind {

/// Blocks: 0 the embedding, 1 … L the layers, L+1 the final norm.
class Decoder final : public Network, public OfSmoothness {
 public:
  explicit Decoder(const DecoderConfig& config);
  /// With parameters numbered as in `all`, which has those of other networks too (numbered()).
  Decoder(const DecoderConfig& config, const std::vector<ParameterInfo>& all,
          const std::string& where);

  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const override {
    return layout_.parameters;
  }
  [[nodiscard]] InitialValue initial_value(ParameterId id) const override;
  [[nodiscard]] int64_t blocks() const override { return config_.layers + 2; }
  [[nodiscard]] at::Tensor block(int64_t index, const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] std::vector<ParameterId> block_parameters(int64_t index) const override;
  [[nodiscard]] ParameterId unembedding() const override { return layout_.unembedding; }
  [[nodiscard]] double logit_cap() const override { return config_.logit_cap; }
  [[nodiscard]] int64_t pair_outputs(int64_t block) const override;
  [[nodiscard]] int64_t vocabulary() const override { return config_.vocabulary; }
  [[nodiscard]] int64_t max_positions() const override { return config_.max_positions; }
  [[nodiscard]] bool positions_end() const override { return config_.positions_end; }
  /// Norms, softmax and most activations are smooth; ReLU, xIELU and what is cut are not.
  [[nodiscard]] Smoothness smoothness() const override;
  [[nodiscard]] bool ignores(const std::string& tensor) const override;
  [[nodiscard]] std::vector<std::pair<std::string, double>> constants() const override;
  [[nodiscard]] std::string contradiction(
      const TensorView& ignored, const std::map<std::string, TensorView>& tensors) const override;

 private:
  /// Queries, keys and values: B T H d, B T K d.
  struct Heads {
    at::Tensor query, key, value;
  };

  [[nodiscard]] at::Tensor embedded(const at::Tensor& ids, Ops& ops) const;
  [[nodiscard]] at::Tensor norm(const at::Tensor& x, const DecoderNorm& norm, Ops& ops) const;
  [[nodiscard]] Heads heads_of(const at::Tensor& x, const DecoderLayer& layer, Ops& ops) const;
  [[nodiscard]] at::Tensor attention(const at::Tensor& x, int64_t index, Ops& ops) const;
  [[nodiscard]] at::Tensor mlp(const at::Tensor& x, const DecoderLayer& layer, Ops& ops) const;
  /// What lies between the MLP's products, of a layer without a gate the whole of it.
  [[nodiscard]] at::Tensor bent(const at::Tensor& x, const DecoderLayer& layer, Ops& ops) const;

  DecoderConfig config_;
  DecoderLayout layout_;
};

}  // namespace explaind
