#pragma once
// The operations over weights from a source, and nothing else.

#include <ATen/core/Tensor.h>

#include <utility>

#include "model/ops.hpp"
#include "parameters/parameter_source.hpp"

namespace explaind {

/// Values at the source's node, or at one of its own for every sample: with t (B, on the device)
/// the source is at node 0 and every operation is split, op(x; W(t)) = op(x; a) + t op(x; Δ).
/// Weights require no gradient.
class SourceOps : public Ops {
 public:
  /// source: must outlive this; what a block uses must be open, at a node.
  explicit SourceOps(ParameterSource& source, at::Tensor t = {})
      : source_(source), t_(std::move(t)) {}

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override;
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override;
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override;
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override;

 protected:
  [[nodiscard]] ParameterSource& source() const { return source_; }
  [[nodiscard]] bool is_split() const { return t_.defined(); }
  /// at_from + t · response. B … each.
  [[nodiscard]] at::Tensor joined(const at::Tensor& at_from, const at::Tensor& response) const;
  /// The bias at every sample's node, as it is added to an output: `shape` has 1 for all axes but
  /// the bias's own, {1, 1, −1} for B T out.
  [[nodiscard]] at::Tensor bias_of(ParameterId bias, at::IntArrayRef shape) const;

  /// The gain at the source's node, with its offset; ones where there is none. like: x.
  [[nodiscard]] at::Tensor gain_of(const Gain& gain, const at::Tensor& like) const;
  /// True where the parameter is there and moves.
  [[nodiscard]] bool moves(ParameterId parameter) const {
    return parameter != no_parameter && source_.moves(parameter);
  }
  /// w of softplus_scale at every sample's node: 1, or B 1 1 where operations are split.
  [[nodiscard]] at::Tensor scalar_of(ParameterId weight) const;

 private:
  ParameterSource& source_;
  at::Tensor t_;
};

}  // namespace explaind
