#include "decomposition/attributed_ops.hpp"

#include <ATen/ATen.h>

#include "decomposition/rms_norm.hpp"

namespace explaind {

at::Tensor AttributedOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  at::Tensor y = SourceOps::linear(x, weight, bias);
  // Detached: the hook lives in y's graph and must not keep it alive.
  y.register_hook([this, weight, bias, input = x.detach()](const at::Tensor& gradient) {
    const at::Tensor& update = source().delta(weight);
    if (table_.slot(weight).division == Division::column_blocks) {
      sink_.add(weight, input, at::matmul(gradient, update));
    } else {
      sink_.add(weight, gradient, at::linear(input, update));
    }
    if (bias != no_parameter) sink_.add(bias, gradient, source().delta(bias));
  });
  return y;
}

at::Tensor AttributedOps::embedding(const at::Tensor& ids, ParameterId weight) {
  at::Tensor y = SourceOps::embedding(ids, weight);
  y.requires_grad_(true);  // the leaf at which the graph begins
  y.register_hook([this, weight, ids](const at::Tensor& gradient) {
    sink_.add_embedding(weight, ids, gradient, source().delta_rows(weight, ids));
  });
  return y;
}

at::Tensor AttributedOps::rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) {
  const Normalised normalised = normalise_with_graph(x, source().weight(gain), epsilon);
  normalised.y.register_hook(
      [this, gain, input = x.detach(), scale = normalised.scale](const at::Tensor& gradient) {
        sink_.add(gain, gradient, norm_response(input, source().delta(gain), scale));
      });
  return normalised.y;
}

at::Tensor AttributedOps::conv2d(const at::Tensor& x, ParameterId weight, int64_t stride,
                                 int64_t padding) {
  // The first convolution's input is data: the graph begins at its output.
  at::Tensor y = SourceOps::conv2d(x, weight, stride, padding);
  if (!y.requires_grad()) y.requires_grad_(true);
  y.register_hook([this, weight, stride, padding, input = x.detach()](const at::Tensor& gradient) {
    const at::Tensor response = at::conv2d(input, source().delta(weight), /*bias=*/{},
                                           {stride, stride}, {padding, padding});
    // Pixels are summed per output channel, in double. B O.
    sink_.add_rows(weight, (gradient.to(at::kDouble) * response.to(at::kDouble)).sum({2, 3}));
  });
  return y;
}

}  // namespace explaind
