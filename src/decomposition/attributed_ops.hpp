#pragma once
// Engine A: contraction in the backward pass.

#include <ATen/core/Tensor.h>

#include <vector>

#include "decomposition/score_accumulator.hpp"
#include "model/ops.hpp"

namespace explaind {

/// Operations whose backward pass scores their parameters (method.md §5, engine A).
///
/// The weights require no gradient, so autograd forms δW but no weight gradient; a hook on each
/// output receives δ = ∂F/∂y and adds the contraction of δ with op(x; Δ) to the sink. Three
/// products per weight: y, δW, op(x; Δ). A tied weight is added at each use. Where heads are
/// columns, Σ x ⊙ (δΔ) takes the place of Σ δ ⊙ (xΔᵀ): the same cost.
class AttributedOps final : public Ops {
 public:
  /// All references must outlive the graph of the forward pass.
  AttributedOps(const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& deltas,
                const ComponentTable& table, ScoreAccumulator& sink)
      : weights_(weights), deltas_(deltas), table_(table), sink_(sink) {}

  at::Tensor linear(const at::Tensor& x, ParameterId weight, ParameterId bias) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor norm_gain(const at::Tensor& x, ParameterId gain) override;

 private:
  [[nodiscard]] const at::Tensor& weight_of(ParameterId id) const {
    return weights_[static_cast<size_t>(id)];
  }
  [[nodiscard]] const at::Tensor& delta_of(ParameterId id) const {
    return deltas_[static_cast<size_t>(id)];
  }

  const std::vector<at::Tensor>& weights_;
  const std::vector<at::Tensor>& deltas_;
  const ComponentTable& table_;
  ScoreAccumulator& sink_;
};

}  // namespace explaind
