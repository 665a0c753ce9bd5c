#pragma once
// All outputs of a model and their derivatives along directions in parameter space, in one pass.

#include <ATen/core/Tensor.h>

#include <vector>

#include "engines/tangent_ops.hpp"
#include "model/model.hpp"

namespace explaind {

/// K outputs: classes, or T V of a language model.
struct DirectionalDerivatives {
  at::Tensor values;       ///< B K: f(θ; x)
  at::Tensor derivatives;  ///< C B K: ⟨∂f_k/∂θ, direction_c⟩
};

/// Engine C (method.md §5). inputs: B …, as Model::forward takes them; weights: one per parameter;
/// directions: C P. The samples are computed once for all components, which cost about one forward
/// pass each from the first operation that they touch. Memory: (1 + C) times a forward pass. Not
/// collective.
DirectionalDerivatives directional_derivatives(const Model& model, const at::Tensor& inputs,
                                               const std::vector<at::Tensor>& weights,
                                               const Directions& directions);

/// A direction cut into components: component of each parameter, 0 … C−1, or −1 for none.
Directions by_component(const std::vector<at::Tensor>& direction,
                        const std::vector<int64_t>& component, int64_t components);

}  // namespace explaind
