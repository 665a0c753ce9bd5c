#pragma once
// An array where the kernels under test can read it: on a device, or here where they run on the
// host.

#include <cstddef>
#include <vector>

#ifndef EXPLAIND_KERNELS_ON_HOST
#include <cuda_runtime.h>
#endif

namespace explaind {

#ifdef EXPLAIND_KERNELS_ON_HOST

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::vector<T> values) : values_(std::move(values)) {}
  T* data() { return values_.data(); }
  std::vector<T> copy() const { return values_; }

 private:
  std::vector<T> values_;
};

#else

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : count_(values.size()) {
    cudaMalloc(&data_, count_ * sizeof(T));
    cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() { return static_cast<T*>(data_); }
  std::vector<T> copy() const {
    std::vector<T> values(count_);
    cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  void* data_ = nullptr;
  size_t count_;
};

#endif

}  // namespace explaind
