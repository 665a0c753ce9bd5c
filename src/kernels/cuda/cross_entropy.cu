#include "kernels/cuda/launch.cuh"
#include "kernels/device.hpp"

namespace explaind::kernels::device {
namespace {

/// A block a token.
template <typename Real>
__global__ void add_slice_kernel(const Real* logits, int64_t n, int64_t first,
                                 const int64_t* targets, SoftmaxSum* totals, double* chosen) {
  __shared__ double room[block_threads];
  const int64_t row = blockIdx.x, target = targets[row];
  if (target < 0) return;  // the whole block
  const Real* values = logits + row * n;
  double largest = static_cast<double>(values[0]);
  for (int64_t v = threadIdx.x; v < n; v += blockDim.x) {
    const double value = static_cast<double>(values[v]);
    if (value > largest) largest = value;
  }
  largest = block_max(largest, room);
  double sum = 0;
  for (int64_t v = threadIdx.x; v < n; v += blockDim.x) {
    sum += exp(static_cast<double>(values[v]) - largest);
  }
  sum = block_sum(sum, room);
  if (threadIdx.x != 0) return;
  if (target >= first && target < first + n) {
    chosen[row] = static_cast<double>(values[target - first]);
  }
  SoftmaxSum& total = totals[row];
  if (largest > total.largest) {
    total.sum = total.sum * exp(total.largest - largest) + sum;
    total.largest = largest;
  } else {
    total.sum += sum * exp(largest - total.largest);
  }
}

template <typename Real>
__global__ void softmax_gradient_kernel(Real* logits, int64_t n, int64_t first,
                                        const int64_t* targets, const SoftmaxSum* totals,
                                        const double* scales) {
  const int64_t row = blockIdx.x, target = targets[row];
  Real* values = logits + row * n;
  const double largest = totals[row].largest, sum = totals[row].sum, scale = scales[row];
  for (int64_t v = threadIdx.x; v < n; v += blockDim.x) {
    double gradient = 0;
    if (target >= 0) {
      const double share = exp(static_cast<double>(values[v]) - largest);
      // p − 1 from p's own sum: exact where p is close to 1.
      gradient = first + v == target ? scale * (share / sum - 1.0) : scale / sum * share;
    }
    values[v] = static_cast<Real>(gradient);
  }
}

}  // namespace

template <typename Real>
void add_slice(const LogitSlice<const Real>& slice, SoftmaxSum* totals, double* chosen,
               Stream stream) {
  launch(add_slice_kernel<Real>, dim3(static_cast<unsigned>(slice.rows)), stream, slice.logits,
         slice.n, slice.first, slice.targets, totals, chosen);
}

template <typename Real>
void softmax_gradient(const LogitSlice<Real>& slice, const SoftmaxSum* totals, const double* scales,
                      Stream stream) {
  launch(softmax_gradient_kernel<Real>, dim3(static_cast<unsigned>(slice.rows)), stream,
         slice.logits, slice.n, slice.first, slice.targets, totals, scales);
}

template void add_slice<float>(const LogitSlice<const float>&, SoftmaxSum*, double*, Stream);
template void add_slice<double>(const LogitSlice<const double>&, SoftmaxSum*, double*, Stream);
template void softmax_gradient(const LogitSlice<float>&, const SoftmaxSum*, const double*, Stream);
template void softmax_gradient(const LogitSlice<double>&, const SoftmaxSum*, const double*, Stream);

}  // namespace explaind::kernels::device
