#pragma once
// Where tensors live, and whose kernels run on them.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/TensorOptions.h>

#include <string>

#include "kernels/device.hpp"

namespace explaind {

/// A value: a place for tensors, and the choice between a kernel's reference and its twin for
/// devices. LibTorch's CUDA library is loaded when a CUDA device is first asked for and linked
/// nowhere: one program runs on machines with and without it. All else goes through the interfaces
/// that LibTorch has for any device.
class Device {
 public:
  /// This processor.
  static Device cpu() { return {at::kCPU, false}; }
  /// A CUDA device. Throws UsageError where there is none of that number, where the program was
  /// built without CUDA, and where LibTorch's CUDA library or what it needs is missing (named).
  static Device cuda(int index);
  /// Host memory with the twins: for tests in which these run as ordinary functions.
  static Device twins_on_host() { return {at::kCPU, true}; }

  /// Where a tensor lies.
  static Device of(const at::Tensor& tensor, bool twins) { return {tensor.device(), twins}; }

  /// The twins are used.
  [[nodiscard]] bool has_twins() const { return twins_; }
  [[nodiscard]] bool is_cuda() const { return place_.is_cuda(); }
  /// Tensors lie in this processor's memory.
  [[nodiscard]] bool is_host() const { return place_.is_cpu(); }
  [[nodiscard]] c10::Device place() const { return place_; }
  [[nodiscard]] at::TensorOptions options(at::ScalarType type) const {
    return at::TensorOptions().dtype(type).device(place_);
  }
  /// Host memory that copies to and from the device do not wait for.
  [[nodiscard]] at::TensorOptions staging(at::ScalarType type) const {
    return at::TensorOptions().dtype(type).pinned_memory(is_cuda());
  }
  /// The stream that this thread's operations go to.
  [[nodiscard]] kernels::device::Stream stream() const;
  /// Waits for everything in that stream. Throws Error where the device has failed.
  void synchronize() const;
  /// A copy on the device; the tensor itself where that is the host.
  [[nodiscard]] at::Tensor upload(const at::Tensor& host) const;
  /// A copy on the host, complete after synchronize().
  [[nodiscard]] at::Tensor download(const at::Tensor& tensor) const;

 private:
  Device(c10::Device place, bool twins) : place_(place), twins_(twins) {}

  c10::Device place_;
  bool twins_;
};

/// A device and why it was taken, for people.
struct ChosenDevice {
  Device device;
  std::string reason;
};

/// --device: "auto" (a CUDA device where one can be used, else the processor), "cpu", "cuda".
/// local_rank: of the ranks on this machine, to which its devices are dealt in turn. Throws
/// UsageError as Device::cuda does, and for any other word.
ChosenDevice choose_device(const std::string& word, int local_rank);

}  // namespace explaind
