#include "engines/directional_derivatives.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace explaind {

DirectionalDerivatives directional_derivatives(const Model& model, const at::Tensor& inputs,
                                               const std::vector<at::Tensor>& weights,
                                               const Directions& directions) {
  const c10::NoGradGuard no_graph;
  TangentOps ops(weights, directions, inputs.size(0));
  const at::Tensor y = model.forward(inputs, ops);
  return {ops.values(y), ops.derivatives(y)};
}

Directions by_component(const std::vector<at::Tensor>& direction,
                        const std::vector<int64_t>& component, int64_t components) {
  Directions cut(static_cast<size_t>(components), std::vector<at::Tensor>(direction.size()));
  for (size_t p = 0; p < direction.size(); ++p) {
    if (component[p] >= 0) cut[static_cast<size_t>(component[p])][p] = direction[p];
  }
  return cut;
}

}  // namespace explaind
