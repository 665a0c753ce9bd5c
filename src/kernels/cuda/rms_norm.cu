#include "kernels/cuda/launch.cuh"
#include "kernels/device.hpp"

namespace explaind::kernels::device {
namespace {

/// A block a row.
template <typename Real>
__global__ void forward_kernel(const Real* x, const Real* gain, double epsilon, int64_t columns,
                               Real* y, Real* scale) {
  __shared__ double room[block_threads];
  const int64_t row = blockIdx.x;
  const Real* in = x + row * columns;
  double squares = 0;
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    squares += static_cast<double>(in[i]) * static_cast<double>(in[i]);
  }
  squares = block_sum(squares, room);
  const Real s = static_cast<Real>(1 / sqrt(squares / static_cast<double>(columns) + epsilon));
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    y[row * columns + i] = in[i] * s * gain[i];
  }
  if (threadIdx.x == 0) scale[row] = s;
}

template <typename Real>
__global__ void backward_kernel(const Real* x, const Real* gain, const Real* scale,
                                const Real* delta, int64_t columns, Real* gradient) {
  __shared__ double room[block_threads];
  const int64_t row = blockIdx.x;
  const Real* in = x + row * columns;
  const Real* d = delta + row * columns;
  double product = 0;
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    product += static_cast<double>(in[i]) * static_cast<double>(gain[i]) * static_cast<double>(d[i]);
  }
  product = block_sum(product, room);
  const Real factor = scale[row];
  const double s = static_cast<double>(factor);
  const Real along = static_cast<Real>(s * s * s * product / static_cast<double>(columns));
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    gradient[row * columns + i] = factor * gain[i] * d[i] - along * in[i];
  }
}

template <typename Real>
__global__ void response_kernel(const Real* x, const Real* update, const Real* scale,
                                int64_t columns, Real* z) {
  const int64_t row = blockIdx.x;
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    z[row * columns + i] = x[row * columns + i] * scale[row] * update[i];
  }
}

dim3 block_a_row(int64_t rows) { return dim3(static_cast<unsigned>(rows)); }

}  // namespace

template <typename Real>
void rms_norm(const NormRows<Real>& in, double epsilon, int64_t rows, Real* y, Real* scale,
              Stream stream) {
  launch(forward_kernel<Real>, block_a_row(rows), stream, in.x, in.factors, epsilon, in.columns,
         y, scale);
}

template <typename Real>
void rms_norm_backward(const NormRows<Real>& in, const Real* scale, const Real* delta, int64_t rows,
                       Real* input_gradient, Stream stream) {
  launch(backward_kernel<Real>, block_a_row(rows), stream, in.x, in.factors, scale, delta,
         in.columns, input_gradient);
}

template <typename Real>
void rms_norm_response(const NormRows<Real>& in, const Real* scale, int64_t rows, Real* z,
                       Stream stream) {
  launch(response_kernel<Real>, block_a_row(rows), stream, in.x, in.factors, scale, in.columns,
         z);
}

template void rms_norm(const NormRows<float>&, double, int64_t, float*, float*, Stream);
template void rms_norm(const NormRows<double>&, double, int64_t, double*, double*, Stream);
template void rms_norm_backward(const NormRows<float>&, const float*, const float*, int64_t, float*,
                                Stream);
template void rms_norm_backward(const NormRows<double>&, const double*, const double*, int64_t,
                                double*, Stream);
template void rms_norm_response(const NormRows<float>&, const float*, int64_t, float*, Stream);
template void rms_norm_response(const NormRows<double>&, const double*, int64_t, double*, Stream);

}  // namespace explaind::kernels::device
