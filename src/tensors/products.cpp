#include "tensors/products.hpp"

#include <ATen/ATen.h>

#include <vector>

#include "tensors/convolution.hpp"
#include "tensors/product.hpp"

namespace explaind {

at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& matrix) {
  if (x.scalar_type() == matrix.scalar_type()) return affine(x, matrix);
  return affine(x.to(matrix.scalar_type()), matrix).to(x.scalar_type());
}

at::Tensor times(const at::Tensor& x, const at::Tensor& matrix) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = matrix.size(1);
  const at::Tensor rows = x.reshape({-1, x.size(-1)}).to(matrix.scalar_type());
  return product(rows, matrix).to(x.scalar_type()).view(shape);
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& filters, int64_t stride,
                    int64_t padding) {
  return convolution(x.to(filters.scalar_type()), filters, stride, padding).to(x.scalar_type());
}

at::Tensor begin_graph(at::Tensor y) {
  if (!y.requires_grad()) y.requires_grad_(true);
  return y;
}

}  // namespace explaind
