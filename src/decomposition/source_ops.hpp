#pragma once
// The operations over weights from a source, and nothing else.

#include <ATen/core/Tensor.h>

#include "decomposition/parameter_source.hpp"
#include "model/ops.hpp"

namespace explaind {

/// Values at the source's node. Weights require no gradient.
class SourceOps : public Ops {
 public:
  /// source: must outlive this; what a block uses must be open, at a node.
  explicit SourceOps(ParameterSource& source) : source_(source) {}

  at::Tensor linear(const at::Tensor& x, ParameterId weight, ParameterId bias) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) override;
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, int64_t stride,
                    int64_t padding) override;

 protected:
  [[nodiscard]] ParameterSource& source() const { return source_; }

 private:
  ParameterSource& source_;
};

}  // namespace explaind
