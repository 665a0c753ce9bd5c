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

/// gelu is the exact one, x Φ(x); gelu_tanh its approximation by tanh; silu x / (1 + e^−x);
/// squared_relu max(x, 0)²; negative_expm1 e^m − 1 − m of m = min(x, 0).
enum class Activation { relu, gelu, silu, gelu_tanh, tanh, sigmoid, squared_relu, negative_expm1 };

/// A matrix product with parameters, and what is added to it.
struct LinearMap {
  ParameterId weight = no_parameter, bias = no_parameter;
  bool columns_are_outputs = false;  ///< the matrix is stored in out, not out in
};

/// What a norm multiplies by: offset + g, or 1 where there is no parameter.
struct Gain {
  ParameterId parameter = no_parameter;
  double offset = 0;
};

/// How positions attend. causal: a position sees itself and what is before it, else all.
struct AttentionRule {
  bool causal = true;
  int64_t window = 0;  ///< it sees itself and window − 1 before it; 0: all of them
  double scale = 0;    ///< of q kᵀ; 0: 1/√d
  double cap = 0;      ///< c tanh(· / c) of what goes into the softmax; 0: not
};

/// Legend: B samples of the micro-batch, T padded positions.
class Ops {
 public:
  virtual ~Ops() = default;

  /// y = x Wᵀ + b. x: B T in; weight: out in; bias: out or no_parameter. Returns B T out.
  virtual at::Tensor linear(const at::Tensor& x, const LinearMap& map) = 0;

  /// y[b, t] = W[ids[b, t]]. ids: B T (int64); weight: V C. Returns B T C.
  virtual at::Tensor embedding(const at::Tensor& ids, ParameterId weight) = 0;

  /// y = x / √(mean x² + ε) ⊙ (offset + g), the mean over the last axis. x: B T C, or B T H d with
  /// a gain of d that all heads share; gain: C or d.
  virtual at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) = 0;

  /// y = x + b. x: B T C; bias: C.
  virtual at::Tensor shift(const at::Tensor& x, ParameterId bias) = 0;

  /// y = (offset + log(1 + e^w)) x: a positive factor that is learned. x: B T C; weight: 1.
  virtual at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) = 0;

  /// LayerNorm: the RMS norm of x less its mean over the last axis, plus b. bias: C or
  /// no_parameter.
  at::Tensor layer_norm(const at::Tensor& x, const Gain& gain, ParameterId bias, double epsilon);

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
  /// x cut at ±limit, elementwise; its derivative at the limits is 1.
  [[nodiscard]] virtual at::Tensor clamp(const at::Tensor& x, double limit) const;
  /// c tanh(x / c), elementwise.
  [[nodiscard]] virtual at::Tensor soft_cap(const at::Tensor& x, double cap) const;
  /// softmax(scale q kᵀ) v. q: B H T d; k, v: B G T d, each used by H/G heads in a row. Returns
  /// B H T d.
  [[nodiscard]] virtual at::Tensor attention(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, const AttentionRule& rule) const;
  /// The largest of size × size pixels, every `stride` pixels from the padded edge on; what is left
  /// over at the other edges is dropped. x: B C H W.
  [[nodiscard]] virtual at::Tensor max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                                              int64_t padding) const;
  /// The largest of the image. x: B C H W. Returns B C.
  [[nodiscard]] virtual at::Tensor max_over_image(const at::Tensor& x) const;
};

/// 1/√d where the rule has no scale of its own.
double scale_of(const AttentionRule& rule, int64_t head_size);
/// Where a position must not look: T T, true there; undefined where it may look anywhere.
at::Tensor hidden_positions(const AttentionRule& rule, int64_t positions, const at::Device& device);

}  // namespace explaind
