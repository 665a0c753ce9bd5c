#include "decomposition/attributed_ops.hpp"

#include <ATen/ATen.h>

#include <optional>

namespace explaind {

at::Tensor AttributedOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  const std::optional<at::Tensor> shift =
      bias == no_parameter ? std::nullopt : std::optional(weight_of(bias));
  at::Tensor y = at::linear(x, weight_of(weight), shift);
  // Detached: the hook lives in y's graph and must not keep it alive.
  y.register_hook([this, weight, bias, input = x.detach()](const at::Tensor& gradient) {
    const at::Tensor& update = delta_of(weight);
    if (table_.slot(weight).division == Division::column_blocks) {
      sink_.add(weight, input, at::matmul(gradient, update));
    } else {
      sink_.add(weight, gradient, at::linear(input, update));
    }
    if (bias != no_parameter) sink_.add(bias, gradient, delta_of(bias));
  });
  return y;
}

at::Tensor AttributedOps::embedding(const at::Tensor& ids, ParameterId weight) {
  at::Tensor y = at::embedding(weight_of(weight), ids);
  y.requires_grad_(true);  // the leaf at which the graph begins
  y.register_hook([this, weight, ids](const at::Tensor& gradient) {
    sink_.add_embedding(weight, ids, gradient, at::embedding(delta_of(weight), ids));
  });
  return y;
}

at::Tensor AttributedOps::norm_gain(const at::Tensor& x, ParameterId gain) {
  at::Tensor y = x * weight_of(gain);
  y.register_hook([this, gain, input = x.detach()](const at::Tensor& gradient) {
    sink_.add(gain, gradient, input * delta_of(gain));
  });
  return y;
}

}  // namespace explaind
