#include "engines/sample_gradient_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/product.hpp"
#include "tensors/products.hpp"
#include "tensors/rms_norm.hpp"

namespace explaind {

at::Tensor SampleGradientOps::linear(const at::Tensor& x, const LinearMap& map) {
  const auto [weight, bias, columns] = map;
  at::Tensor y = begin_graph(affine(x, out_in(weight_of(weight), columns),
                                    bias == no_parameter ? at::Tensor() : weight_of(bias)));
  y.register_hook([this, weight = weight, bias = bias, columns = columns,
                   input = x.detach()](const at::Tensor& gradient) {
    // Rows of the stored matrix are outputs, or inputs.
    const at::Tensor &of_rows = columns ? input : gradient,
                     &of_columns = columns ? gradient : input;
    in_block(weight, [&](const ParameterRows& rows, at::Tensor& sums) {
      sums.add_(
          product_of_each(of_rows.narrow(2, rows.first, rows.count).transpose(1, 2), of_columns));
    });
    if (bias != no_parameter) add_to_vector(bias, gradient);
  });
  return y;
}

at::Tensor SampleGradientOps::shift(const at::Tensor& x, ParameterId bias) {
  at::Tensor y = begin_graph(x + weight_of(bias));
  y.register_hook([this, bias](const at::Tensor& gradient) { add_to_vector(bias, gradient); });
  return y;
}

at::Tensor SampleGradientOps::softplus_scale(const at::Tensor& x, ParameterId weight,
                                             double offset) {
  at::Tensor y = begin_graph(x * (at::softplus(weight_of(weight)) + offset));
  y.register_hook([this, weight, input = x.detach()](const at::Tensor& gradient) {
    in_block(weight, [&](const ParameterRows& /*rows*/, at::Tensor& sums) {
      sums.add_((gradient * input).flatten(1).sum(1, /*keepdim=*/true) *
                at::sigmoid(weight_of(weight)));
    });
  });
  return y;
}

void SampleGradientOps::add_to_vector(ParameterId vector, const at::Tensor& by_position) const {
  in_block(vector, [&](const ParameterRows& rows, at::Tensor& sums) {
    sums.add_(by_position.flatten(1, -2).narrow(2, rows.first, rows.count).sum(1));
  });
}

at::Tensor SampleGradientOps::embedding(const at::Tensor& ids, ParameterId weight) {
  at::Tensor y = begin_graph(at::embedding(weight_of(weight), ids));
  y.register_hook([this, weight, ids](const at::Tensor& gradient) {
    in_block(weight, [&](const ParameterRows& rows, at::Tensor& sums) {
      const at::Tensor row = ids - rows.first;  // B T
      const at::Tensor inside = row.ge(0).logical_and(row.lt(rows.count));
      const at::Tensor sample =
          at::arange(ids.size(0), at::kLong).unsqueeze(1).expand_as(ids) * rows.count;
      sums.view({-1, sums.size(2)})
          .index_add_(0, (sample + row).masked_select(inside),
                      gradient.flatten(0, 1).index_select(0, inside.flatten().nonzero().flatten()));
    });
  });
  return y;
}

at::Tensor SampleGradientOps::rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) {
  at::Tensor factor = at::ones({x.size(-1)}, x.options());
  if (gain.parameter != no_parameter) factor = weight_of(gain.parameter) + gain.offset;
  const Normalised normalised = normalise_with_graph(x, factor, epsilon, Device::cpu());
  at::Tensor y = begin_graph(normalised.y);
  if (gain.parameter == no_parameter) return y;
  y.register_hook([this, id = gain.parameter, input = x.detach(),
                   scale = normalised.scale](const at::Tensor& gradient) {
    add_to_vector(id, gradient * input * scale.unsqueeze(-1));  // B T C, or B T H d
  });
  return y;
}

at::Tensor SampleGradientOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                                     int64_t stride, int64_t padding) {
  const at::Tensor& filters = weight_of(weight);
  at::Tensor y = convolve(x, filters, stride, padding);
  if (bias != no_parameter) y = y + weight_of(bias).view({1, -1, 1, 1});
  y = begin_graph(std::move(y));
  const std::vector<int64_t> kernel{filters.size(2), filters.size(3)};
  y.register_hook([this, weight, bias, kernel, stride, padding,
                   input = x.detach()](const at::Tensor& gradient) {
    in_block(weight, [&](const ParameterRows& rows, at::Tensor& sums) {
      const at::Tensor patches = at::im2col(input, kernel, {1, 1}, {padding, padding},
                                            {stride, stride});  // B (I k k) pixels
      const at::Tensor delta = gradient.narrow(1, rows.first, rows.count).flatten(2);
      sums.add_(product_of_each(delta, patches.transpose(1, 2)).view_as(sums));
    });
    if (bias == no_parameter) return;
    in_block(bias, [&](const ParameterRows& rows, at::Tensor& sums) {
      sums.add_(gradient.narrow(1, rows.first, rows.count).flatten(2).sum(2));
    });
  });
  return y;
}

}  // namespace explaind
