#pragma once
// The operations of a network. Networks are written once against this interface; what an
// implementation does besides computing y (attribute, accumulate gradients, carry tangents) is an
// engine.
//
// Operations that own parameters are an engine's own. Those without are functions of tensors, the
// same for every engine but forward mode, which carries tangents beside the samples: whatever is
// not linear in one activation, or joins two, must go through them. What treats all samples alike
// and is linear (views, transposes, selections, factors) need not.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace explaind {

/// Position of a parameter in Model::parameters().
using ParameterId = int64_t;
inline constexpr ParameterId no_parameter = -1;

/// gelu is the exact one, x Φ(x); gelu_tanh its approximation by tanh; silu x / (1 + e^−x).
enum class Activation { relu, gelu, silu, gelu_tanh, tanh, sigmoid };

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

  /// Convolution, the same stride and zero padding on all sides. x: B I H W; weight: O I k k; bias:
  /// O or no_parameter. Returns B O H' W'.
  virtual at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                            int64_t stride, int64_t padding) = 0;

  /// f(x), elementwise.
  [[nodiscard]] virtual at::Tensor activation(const at::Tensor& x, Activation function) const;
  /// x where it is above 0, else slope · x; its derivative at 0 is the slope.
  [[nodiscard]] virtual at::Tensor leaky_relu(const at::Tensor& x, double slope) const;
  /// a + b, of the same shape.
  [[nodiscard]] virtual at::Tensor add(const at::Tensor& a, const at::Tensor& b) const;
  /// a ⊙ b, of the same shape.
  [[nodiscard]] virtual at::Tensor multiply(const at::Tensor& a, const at::Tensor& b) const;
  /// softmax(q kᵀ / √d) v. q: B H T d; k, v: B G T d, each used by H/G heads in a row. causal: a
  /// position sees itself and what is before it, else all. Returns B H T d.
  [[nodiscard]] virtual at::Tensor attention(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, bool causal) const;
  /// The largest of size × size pixels, every `stride` pixels from the padded edge on; what is left
  /// over at the other edges is dropped. x: B C H W.
  [[nodiscard]] virtual at::Tensor max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                                              int64_t padding) const;
  /// The largest of the image. x: B C H W. Returns B C.
  [[nodiscard]] virtual at::Tensor max_over_image(const at::Tensor& x) const;
};

}  // namespace explaind
