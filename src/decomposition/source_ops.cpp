#include "decomposition/source_ops.hpp"

#include <ATen/ATen.h>

#include <optional>

#include "decomposition/rms_norm.hpp"

namespace explaind {

at::Tensor SourceOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  const std::optional<at::Tensor> shift =
      bias == no_parameter ? std::nullopt : std::optional(source_.weight(bias));
  return at::linear(x, source_.weight(weight), shift);
}

at::Tensor SourceOps::embedding(const at::Tensor& ids, ParameterId weight) {
  return source_.weight_rows(weight, ids);
}

at::Tensor SourceOps::rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) {
  return normalise(x, source_.weight(gain), epsilon).y;
}

at::Tensor SourceOps::conv2d(const at::Tensor& x, ParameterId weight, int64_t stride,
                             int64_t padding) {
  return at::conv2d(x, source_.weight(weight), /*bias=*/{}, {stride, stride}, {padding, padding});
}

}  // namespace explaind
