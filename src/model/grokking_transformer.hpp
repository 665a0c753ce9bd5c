#pragma once
// The one-layer transformer of the modular addition experiment (MOD-113).

#include "model/classifier.hpp"
#include "model/smoothness.hpp"

namespace explaind {

struct GrokkingTransformerConfig {
  int64_t vocabulary = 115;  ///< the numbers, "+" and "="
  int64_t width = 64, heads = 4, inner = 512;
  int64_t positions = 10;  ///< rows of the table of positions
  Activation activation = Activation::relu;
};

/// h = √C · E[ids];  per head u = W_h h, mixed = softmax(u uᵀ / √d) u, all positions see all;
/// a = Σ_h O_h mixed_h;  y = a + f(W₂ f(W₁ a + b₁) + b₂);  logits = D y at the last position.
///
/// Its table of positions is a parameter that nothing uses, as in the paper's model (it makes the
/// count 89,664): it gets no gradient, so no optimizer steps or decays it.
class GrokkingTransformer final : public Classifier, public OfSmoothness {
 public:
  explicit GrokkingTransformer(const GrokkingTransformerConfig& config);
  /// ids: B T. Returns B V.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] int64_t classes() const override { return config_.vocabulary; }
  [[nodiscard]] Smoothness smoothness() const override { return smoothness_of(config_.activation); }

 private:
  GrokkingTransformerConfig config_;
  ParameterId embedding_ = no_parameter;
  Linear encoder_, attention_out_, linear1_, linear2_, decoder_;
};

}  // namespace explaind
