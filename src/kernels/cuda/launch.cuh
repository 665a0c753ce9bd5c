#pragma once
// Starting a kernel, and sums within a block.
//
// EXPLAIND_CUDA_ON_HOST: the kernels compiled as ordinary C++ after tests/unit/kernels/cuda_on_host.hpp,
// which tests their arithmetic where there is no device.

#include <cstdint>

#include "core/error.hpp"

#ifndef EXPLAIND_CUDA_ON_HOST
#include <cuda_runtime.h>
#endif

namespace explaind::kernels::device {

/// Threads of a block, everywhere.
inline constexpr int block_threads = 256;

#ifndef EXPLAIND_CUDA_ON_HOST
inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess) {
    throw Error(what, cudaGetErrorString(status), "See the GPU's state with nvidia-smi");
  }
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 blocks, void* stream, Arguments... arguments) {
  if (blocks.x == 0 || blocks.y == 0) return;
  kernel<<<blocks, block_threads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<Parameters>(arguments)...);
  check_cuda(cudaGetLastError(), "starting a CUDA kernel");
}
#endif

/// Σ of every thread's value, the same on all of them: a tree of fixed shape. `room`: block_threads
/// values in shared memory.
template <typename T>
__device__ inline T block_sum(T value, T* room) {
  room[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = block_threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) room[threadIdx.x] += room[threadIdx.x + half];
    __syncthreads();
  }
  const T sum = room[0];
  __syncthreads();
  return sum;
}

/// The largest of every thread's value, the same on all of them.
template <typename T>
__device__ inline T block_max(T value, T* room) {
  room[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = block_threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half && room[threadIdx.x + half] > room[threadIdx.x]) {
      room[threadIdx.x] = room[threadIdx.x + half];
    }
    __syncthreads();
  }
  const T largest = room[0];
  __syncthreads();
  return largest;
}

inline unsigned blocks_for(int64_t work, int64_t each) {
  return static_cast<unsigned>((work + each - 1) / each);
}

}  // namespace explaind::kernels::device
