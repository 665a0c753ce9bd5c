#pragma once
// The operations that own parameters. Networks are written once against this interface; what an
// implementation does besides computing y (attribute, accumulate gradients, carry tangents) is an
// engine.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace explaind {

/// Position of a parameter in Model::parameters().
using ParameterId = int64_t;
inline constexpr ParameterId no_parameter = -1;

/// Legend: B samples of the micro-batch, T padded positions.
class Ops {
 public:
  virtual ~Ops() = default;

  /// y = x Wᵀ + b. x: B T in; weight: out in; bias: out or no_parameter. Returns B T out.
  virtual at::Tensor linear(const at::Tensor& x, ParameterId weight, ParameterId bias) = 0;

  /// y[b, t] = W[ids[b, t]]. ids: B T (int64); weight: V C. Returns B T C.
  virtual at::Tensor embedding(const at::Tensor& ids, ParameterId weight) = 0;

  /// y = x / √(mean x² + ε) ⊙ g, the mean over the last axis. x: B T C; gain: C.
  virtual at::Tensor rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) = 0;

  /// Convolution without bias, the same stride and zero padding on all sides. x: B I H W; weight:
  /// O I k k. Returns B O H' W'.
  virtual at::Tensor conv2d(const at::Tensor& x, ParameterId weight, int64_t stride,
                            int64_t padding) = 0;
};

}  // namespace explaind
