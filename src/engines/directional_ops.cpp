#include "engines/directional_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/contraction.hpp"
#include "tensors/product.hpp"
#include "tensors/products.hpp"
#include "tensors/rms_norm.hpp"

namespace explaind {
namespace {

/// Every position of every sample exists.
Contraction contraction_over(const at::Tensor& delta) {
  Contraction contraction(Device::cpu());
  contraction.set_lengths(std::vector<int64_t>(static_cast<size_t>(delta.size(0)), delta.size(1)));
  return contraction;
}

}  // namespace

at::Tensor DirectionalOps::scores_of(size_t direction, ParameterId parameter) const {
  const ParameterSlot& slot = table_.slot(parameter);
  return scores_.select(0, static_cast<int64_t>(direction)).narrow(1, slot.first, slot.count);
}

void DirectionalOps::add(size_t direction, ParameterId parameter, const at::Tensor& delta,
                         const at::Tensor& z) {
  const ParameterSlot& slot = table_.slot(parameter);
  const bool rows = slot.division == Division::rows;
  const Kept kept{.division = slot.division,
                  .count = rows ? delta.size(2) : slot.count,
                  .positions = false,
                  .parts = slot.division != Division::whole};
  const Contracted sums = contraction_over(delta)(delta.contiguous(), z.contiguous(), kept);
  scores_of(direction, parameter).add_(kept.parts ? sums.parts : sums.whole.unsqueeze(1));
}

void DirectionalOps::add_rows(size_t direction, ParameterId parameter, const at::Tensor& rows) {
  const bool kept = table_.slot(parameter).division == Division::rows;
  scores_of(direction, parameter).add_(kept ? rows : rows.sum(1, /*keepdim=*/true));
}

at::Tensor DirectionalOps::linear(const at::Tensor& x, const LinearMap& map) {
  const auto [weight, bias, columns] = map;
  at::Tensor y = begin_graph(affine(x, out_in(weight_of(weight), columns),
                                    bias == no_parameter ? at::Tensor() : weight_of(bias)));
  y.register_hook([this, weight = weight, bias = bias, columns = columns,
                   input = x.detach()](const at::Tensor& gradient) {
    const bool by_inputs = table_.slot(weight).division == Division::column_blocks;
    each_direction(weight, [&](size_t f, const at::Tensor& stored) {
      const at::Tensor direction = out_in(stored, columns);
      if (by_inputs) {
        add(f, weight, input, times(gradient, direction));
      } else {
        add(f, weight, gradient, times_transposed(input, direction));
      }
    });
    if (bias == no_parameter) return;
    each_direction(
        bias, [&](size_t f, const at::Tensor& direction) { add(f, bias, gradient, direction); });
  });
  return y;
}

at::Tensor DirectionalOps::shift(const at::Tensor& x, ParameterId bias) {
  at::Tensor y = begin_graph(x + weight_of(bias));
  y.register_hook([this, bias](const at::Tensor& gradient) {
    each_direction(
        bias, [&](size_t f, const at::Tensor& direction) { add(f, bias, gradient, direction); });
  });
  return y;
}

at::Tensor DirectionalOps::softplus_scale(const at::Tensor& x, ParameterId weight, double offset) {
  at::Tensor y = begin_graph(x * (at::softplus(weight_of(weight)) + offset));
  y.register_hook([this, weight, input = x.detach()](const at::Tensor& gradient) {
    const at::Tensor by_position =  // B T 1
        (gradient.to(at::kDouble) * input.to(at::kDouble)).sum(-1, /*keepdim=*/true) *
        at::sigmoid(weight_of(weight).to(at::kDouble));
    each_direction(weight, [&](size_t f, const at::Tensor& direction) {
      add(f, weight, by_position, direction.to(at::kDouble));
    });
  });
  return y;
}

at::Tensor DirectionalOps::embedding(const at::Tensor& ids, ParameterId weight) {
  at::Tensor y = begin_graph(at::embedding(weight_of(weight), ids));
  y.register_hook([this, weight, ids](const at::Tensor& gradient) {
    contract_embedding(weight, ids, gradient);
  });
  return y;
}

void DirectionalOps::contract_embedding(ParameterId weight, const at::Tensor& ids,
                                        const at::Tensor& gradient) {
  const bool rows = table_.slot(weight).division == Division::rows;
  each_direction(weight, [&](size_t f, const at::Tensor& direction) {
    const at::Tensor by_position = contraction_over(gradient).by_position(
        gradient.contiguous(), at::embedding(direction, ids).contiguous());  // B T
    if (rows) {
      scores_of(f, weight).scatter_add_(1, ids, by_position);
    } else {
      scores_of(f, weight).add_(by_position.sum(1, /*keepdim=*/true));
    }
  });
}

at::Tensor DirectionalOps::rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) {
  const Device device = Device::cpu();
  at::Tensor factor = at::ones({x.size(-1)}, x.options());
  if (gain.parameter != no_parameter) factor = weight_of(gain.parameter) + gain.offset;
  const Normalised normalised = normalise_with_graph(x, factor, epsilon, device);
  at::Tensor y = begin_graph(normalised.y);
  if (gain.parameter == no_parameter) return y;
  y.register_hook([this, id = gain.parameter, device, input = x.detach(),
                   scale = normalised.scale](const at::Tensor& gradient) {
    each_direction(id, [&](size_t f, const at::Tensor& direction) {
      const at::Tensor z = norm_response(input, direction, scale, device);
      add(f, id, gradient.flatten(1, -2), z.flatten(1, -2));  // positions and heads are summed
    });
  });
  return y;
}

at::Tensor DirectionalOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                                  int64_t stride, int64_t padding) {
  at::Tensor y = convolve(x, weight_of(weight), stride, padding);
  if (bias != no_parameter) y = y + weight_of(bias).view({1, -1, 1, 1});
  y = begin_graph(std::move(y));
  y.register_hook(
      [this, weight, bias, stride, padding, input = x.detach()](const at::Tensor& gradient) {
        const Contraction contraction(Device::cpu());
        const at::Tensor delta = gradient.flatten(2).contiguous();
        each_direction(weight, [&](size_t f, const at::Tensor& direction) {
          const at::Tensor response = convolve(input, direction, stride, padding);
          add_rows(f, weight, contraction.over_pixels(delta, response.flatten(2).contiguous()));
        });
        if (bias == no_parameter) return;
        each_direction(bias, [&](size_t f, const at::Tensor& direction) {
          const at::Tensor response = direction.view({1, -1, 1}).expand_as(delta).contiguous();
          add_rows(f, bias, contraction.over_pixels(delta, response));
        });
      });
  return y;
}

}  // namespace explaind
