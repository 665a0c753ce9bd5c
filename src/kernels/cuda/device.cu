#include "kernels/cuda/launch.cuh"
#include "kernels/device.hpp"

namespace explaind::kernels::device {

bool built() { return true; }

int devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // no driver, or no device: not an error here
    return 0;
  }
  return count;
}

Memory memory(int device) {
  int before = 0;
  check_cuda(cudaGetDevice(&before), "cudaGetDevice");
  check_cuda(cudaSetDevice(device), "cudaSetDevice");
  Memory found;
  check_cuda(cudaMemGetInfo(&found.free, &found.total), "cudaMemGetInfo");
  check_cuda(cudaSetDevice(before), "cudaSetDevice");
  return found;
}

}  // namespace explaind::kernels::device
