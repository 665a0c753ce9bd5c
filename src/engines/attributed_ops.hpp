#pragma once
// Engine A: contraction in the backward pass.

#include <ATen/core/Tensor.h>

#include <utility>

#include "engines/score_accumulator.hpp"
#include "engines/source_ops.hpp"

namespace explaind {

/// Operations whose backward pass scores their parameters (method.md §5, engine A).
///
/// The weights require no gradient, so autograd forms δW but no weight gradient; a hook on each
/// output receives δ = ∂F/∂y and adds the contraction of δ with op(x; Δ) to the sink. Three
/// products per weight: y, δW, op(x; Δ). Where heads are columns, Σ x ⊙ (δΔ) takes the place of
/// Σ δ ⊙ (xΔᵀ): the same cost. The graph begins at the output of the first operation, whichever it
/// is, or at the block's input. Split operations have formed op(x; Δ) already.
class AttributedOps final : public SourceOps {
 public:
  /// All references must outlive the graph of the forward pass; what the source has open must still
  /// be open, at the same node, in the backward pass.
  AttributedOps(ParameterSource& source, const ComponentTable& table, ScoreAccumulator& sink,
                at::Tensor t = {})
      : SourceOps(source, std::move(t)), table_(table), sink_(sink) {}

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override;
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override;
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override;
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override;

 private:
  /// Scores a matrix, and the bias behind it, when δ of y comes by. response: xΔᵀ where it is
  /// known.
  void attribute(const at::Tensor& y, const at::Tensor& x, const at::Tensor& response,
                 const LinearMap& map);
  /// ⟨δ, z⟩ of a gain, which the heads of an operation may share: B T C, or B T H d.
  static void add_gain(ScoreAccumulator& sink, ParameterId gain, const at::Tensor& gradient,
                       const at::Tensor& z);

  /// Δ of the parameter with the sink of its scores, then every direction that is scored with its
  /// own: a third of a pass each.
  template <typename Act>
  void each_update(ParameterId parameter, Act&& act) {
    act(source().delta(parameter), sink_);
    for (int64_t i = 0; i < sink_.directions(); ++i) {
      act(source().direction(i, parameter), sink_.direction(i));
    }
  }

  const ComponentTable& table_;
  ScoreAccumulator& sink_;
};

}  // namespace explaind
