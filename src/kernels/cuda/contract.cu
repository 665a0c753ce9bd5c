#include "kernels/cuda/launch.cuh"
#include "kernels/device.hpp"

namespace explaind::kernels::device {
namespace {

// A block of contract_positions: 32 columns (a warp reads 128 or 256 bytes end to end) × 8 threads
// a column, each of which takes every eighth position.
constexpr int columns_a_block = 32;
constexpr int threads_a_column = block_threads / columns_a_block;

template <typename Real>
__global__ void positions_kernel(Batch<Real> delta, Batch<Real> z, Extent extent, double* out) {
  __shared__ double room[block_threads];
  const int lane = static_cast<int>(threadIdx.x) / columns_a_block;
  const int64_t column = static_cast<int64_t>(blockIdx.x) * columns_a_block +
                         static_cast<int64_t>(threadIdx.x) % columns_a_block;
  const int64_t sample = blockIdx.y;
  double sum = 0;
  if (column < extent.columns) {
    const Real* d = delta.data + sample * delta.sample + column;
    const Real* r = z.data + sample * z.sample + column;
    for (int64_t t = lane; t < extent.lengths[sample]; t += threads_a_column) {
      sum += static_cast<double>(d[t * delta.position]) * static_cast<double>(r[t * z.position]);
    }
  }
  room[threadIdx.x] = sum;
  __syncthreads();
  if (lane == 0 && column < extent.columns) {
    for (int k = 1; k < threads_a_column; ++k) sum += room[threadIdx.x + k * columns_a_block];
    out[sample * extent.columns + column] = sum;
  }
}

template <typename Real>
__global__ void columns_kernel(Batch<Real> delta, Batch<Real> z, Extent extent, int64_t parts,
                               double* out) {
  __shared__ double room[block_threads];
  const int64_t position = blockIdx.x / parts, part = blockIdx.x % parts, sample = blockIdx.y;
  const int64_t width = extent.columns / parts;
  double sum = 0;
  if (position < extent.lengths[sample]) {
    const Real* d = delta.data + sample * delta.sample + position * delta.position + part * width;
    const Real* r = z.data + sample * z.sample + position * z.position + part * width;
    for (int64_t n = threadIdx.x; n < width; n += blockDim.x) {
      sum += static_cast<double>(d[n]) * static_cast<double>(r[n]);
    }
  }
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) out[(sample * extent.positions + position) * parts + part] = sum;
}

template <typename Real>
__global__ void products_kernel(Batch<Real> delta, Batch<Real> z, Extent extent, double* out) {
  const int64_t sample = blockIdx.y;
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= extent.positions * extent.columns) return;
  const int64_t position = i / extent.columns, column = i % extent.columns;
  double product = 0;
  if (position < extent.lengths[sample]) {
    product = static_cast<double>(
                  delta.data[sample * delta.sample + position * delta.position + column]) *
              static_cast<double>(z.data[sample * z.sample + position * z.position + column]);
  }
  out[sample * extent.positions * extent.columns + i] = product;
}

__global__ void runs_kernel(const double* values, int64_t columns, int64_t parts, double* out) {
  __shared__ double room[block_threads];
  const int64_t part = blockIdx.x, row = blockIdx.y;
  const int64_t width = columns / parts;
  const double* run = values + row * columns + part * width;
  double sum = 0;
  for (int64_t n = threadIdx.x; n < width; n += blockDim.x) sum += run[n];
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) out[row * parts + part] = sum;
}

unsigned as_grid(int64_t count) { return static_cast<unsigned>(count); }

}  // namespace

template <typename Real>
void contract_positions(Batch<Real> delta, Batch<Real> z, const Extent& extent, double* out,
                        Stream stream) {
  launch(positions_kernel<Real>,
         dim3(blocks_for(extent.columns, columns_a_block), as_grid(extent.batch)), stream, delta, z,
         extent, out);
}

template <typename Real>
void contract_columns(Batch<Real> delta, Batch<Real> z, const Extent& extent, int64_t parts,
                      double* out, Stream stream) {
  launch(columns_kernel<Real>, dim3(as_grid(extent.positions * parts), as_grid(extent.batch)),
         stream, delta, z, extent, parts, out);
}

template <typename Real>
void contract_nothing(Batch<Real> delta, Batch<Real> z, const Extent& extent, double* out,
                      Stream stream) {
  launch(products_kernel<Real>,
         dim3(blocks_for(extent.positions * extent.columns, block_threads), as_grid(extent.batch)),
         stream, delta, z, extent, out);
}

void sum_runs(const double* values, int64_t rows, int64_t columns, int64_t parts, double* out,
              Stream stream) {
  launch(runs_kernel, dim3(as_grid(parts), as_grid(rows)), stream, values, columns, parts, out);
}

template void contract_positions(Batch<float>, Batch<float>, const Extent&, double*, Stream);
template void contract_positions(Batch<double>, Batch<double>, const Extent&, double*, Stream);
template void contract_columns(Batch<float>, Batch<float>, const Extent&, int64_t, double*, Stream);
template void contract_columns(Batch<double>, Batch<double>, const Extent&, int64_t, double*,
                               Stream);
template void contract_nothing(Batch<float>, Batch<float>, const Extent&, double*, Stream);
template void contract_nothing(Batch<double>, Batch<double>, const Extent&, double*, Stream);

}  // namespace explaind::kernels::device
