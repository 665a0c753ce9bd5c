#include "engines/source_ops.hpp"

#include <ATen/ATen.h>

#include <vector>

#include "tensors/elementwise.hpp"
#include "tensors/product.hpp"
#include "tensors/products.hpp"
#include "tensors/rms_norm.hpp"

namespace explaind {

at::Tensor SourceOps::joined(const at::Tensor& at_from, const at::Tensor& response) const {
  std::vector<int64_t> shape(static_cast<size_t>(response.dim()), 1);
  shape[0] = -1;
  return at_from + t_.view(shape) * response;
}

at::Tensor SourceOps::bias_of(ParameterId bias, at::IntArrayRef shape) const {
  const at::Tensor from = source_.weight(bias).view(shape);
  return is_split() ? joined(from, source_.delta(bias).view(shape)) : from;
}

at::Tensor SourceOps::gain_of(const Gain& gain, const at::Tensor& like) const {
  if (gain.parameter == no_parameter) return at::ones({like.size(-1)}, like.options());
  const at::Tensor& weight = source_.weight(gain.parameter);
  return gain.offset == 0 ? weight : weight + gain.offset;
}

at::Tensor SourceOps::scalar_of(ParameterId weight) const {
  const at::Tensor& from = source_.weight(weight);
  if (!is_split() || !source_.moves(weight)) return from;
  return from + t_.view({-1, 1, 1}) * source_.delta(weight);
}

at::Tensor SourceOps::linear(const at::Tensor& x, const LinearMap& map) {
  const auto& [weight, bias, columns] = map;
  const at::Tensor matrix = out_in(source_.weight(weight), columns);
  if (!is_split() && x.scalar_type() == matrix.scalar_type() && bias != no_parameter) {
    return affine(x, matrix, source_.weight(bias));  // added within the product
  }
  at::Tensor y = times_transposed(x, matrix);
  if (is_split()) y = joined(y, times_transposed(x, out_in(source_.delta(weight), columns)));
  return bias == no_parameter ? y : y + bias_of(bias, {1, 1, -1});
}

at::Tensor SourceOps::shift(const at::Tensor& x, ParameterId bias) {
  const at::Tensor row = bias_of(bias, {1, 1, -1});  // split: of every sample, B 1 C
  return is_split() ? x + row : each_shifted(x, row);
}

at::Tensor SourceOps::softplus_scale(const at::Tensor& x, ParameterId weight, double offset) {
  return x * (at::softplus(scalar_of(weight)) + offset);
}

at::Tensor SourceOps::embedding(const at::Tensor& ids, ParameterId weight) {
  at::Tensor y = source_.weight_rows(weight, ids);
  return is_split() ? joined(y, source_.delta_rows(weight, ids)) : y;
}

at::Tensor SourceOps::rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) {
  const Normalised normalised = normalise(x, gain_of(gain, x), epsilon, source_.device());
  if (!is_split() || gain.parameter == no_parameter) return normalised.y;
  return joined(normalised.y, norm_response(x, source_.delta(gain.parameter), normalised.scale,
                                            source_.device()));
}

at::Tensor SourceOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                             int64_t stride, int64_t padding) {
  at::Tensor y = convolve(x, source_.weight(weight), stride, padding);
  if (is_split()) y = joined(y, convolve(x, source_.delta(weight), stride, padding));
  return bias == no_parameter ? y : y + bias_of(bias, {1, -1, 1, 1});
}

}  // namespace explaind
