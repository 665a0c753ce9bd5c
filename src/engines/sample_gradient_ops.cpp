#include "engines/sample_gradient_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/product.hpp"
#include "tensors/products.hpp"
#include "tensors/rms_norm.hpp"

namespace explaind {

at::Tensor SampleGradientOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  at::Tensor y = begin_graph(
      affine(x, weight_of(weight), bias == no_parameter ? at::Tensor() : weight_of(bias)));
  y.register_hook([this, weight, bias, input = x.detach()](const at::Tensor& gradient) {
    in_block(weight, [&](const ParameterRows& rows, at::Tensor& sums) {
      sums.add_(product_of_each(gradient.narrow(2, rows.first, rows.count).transpose(1, 2), input));
    });
    if (bias == no_parameter) return;
    in_block(bias, [&](const ParameterRows& rows, at::Tensor& sums) {
      sums.add_(gradient.narrow(2, rows.first, rows.count).sum(1));
    });
  });
  return y;
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

at::Tensor SampleGradientOps::rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) {
  const Normalised normalised = normalise_with_graph(x, weight_of(gain), epsilon, Device::cpu());
  at::Tensor y = begin_graph(normalised.y);
  y.register_hook(
      [this, gain, input = x.detach(), scale = normalised.scale](const at::Tensor& gradient) {
        in_block(gain, [&](const ParameterRows& rows, at::Tensor& sums) {
          const at::Tensor by_gain = gradient * input * scale.unsqueeze(-1);  // B T C
          sums.add_(by_gain.narrow(2, rows.first, rows.count).sum(1));
        });
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
