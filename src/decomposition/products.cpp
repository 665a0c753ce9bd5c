#include "decomposition/products.hpp"

#include <ATen/ATen.h>

namespace explaind {

at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& matrix) {
  if (x.scalar_type() == matrix.scalar_type()) return at::linear(x, matrix);
  return at::linear(x.to(matrix.scalar_type()), matrix).to(x.scalar_type());
}

at::Tensor times(const at::Tensor& x, const at::Tensor& matrix) {
  if (x.scalar_type() == matrix.scalar_type()) return at::matmul(x, matrix);
  return at::matmul(x.to(matrix.scalar_type()), matrix).to(x.scalar_type());
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& filters, int64_t stride,
                    int64_t padding) {
  return at::conv2d(x.to(filters.scalar_type()), filters, /*bias=*/{}, {stride, stride},
                    {padding, padding})
      .to(x.scalar_type());
}

at::Tensor begin_graph(at::Tensor y) {
  if (!y.requires_grad()) y.requires_grad_(true);
  return y;
}

}  // namespace explaind
