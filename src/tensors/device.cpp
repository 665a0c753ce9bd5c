#include "tensors/device.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace explaind {
namespace {

/// Makes LibTorch know CUDA: its library registers itself when it is loaded.
void load_cuda() {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const std::string cause = dlerror();
    throw UsageError("--device cuda", "LibTorch's CUDA library cannot be loaded: " + cause,
                     "Install what it needs with launch/setup.sh --cuda, or use --device cpu");
  }
  // A run repeats to the bit: products of fixed workspaces, and no algorithm that adds atomically.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  at::globalContext().lazyInitDevice(at::kCUDA);
  at::globalContext().setDeterministicAlgorithms(true, false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

c10::impl::VirtualGuardImpl interface_of(const c10::Device& place) {
  return c10::impl::VirtualGuardImpl(place.type());
}

}  // namespace

Device Device::cuda(int index) {
  namespace device = kernels::device;
  if (!device::built()) {
    throw UsageError("--device cuda", "this program was built without CUDA",
                     "Build it where nvcc is found, or use --device cpu");
  }
  if (index < 0 || index >= device::devices()) {
    throw UsageError("--device cuda", "there is no CUDA device " + std::to_string(index) + " here",
                     "See nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu");
  }
  static const bool loaded = (load_cuda(), true);
  static_cast<void>(loaded);
  const c10::Device place(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  interface_of(place).setDevice(place);
  return {place, true};
}

kernels::device::Stream Device::stream() const {
  return is_cuda() ? interface_of(place_).getStream(place_).native_handle() : nullptr;
}

void Device::synchronize() const {
  if (!is_host()) interface_of(place_).getStream(place_).synchronize();
}

at::Tensor Device::upload(const at::Tensor& host) const {
  return is_host() ? host : host.to(place_, /*non_blocking=*/true);
}

at::Tensor Device::download(const at::Tensor& tensor) const {
  if (is_host()) return tensor;
  at::Tensor host = at::empty(tensor.sizes(), staging(tensor.scalar_type()));
  host.copy_(tensor, /*non_blocking=*/true);
  return host;
}

ChosenDevice choose_device(const std::string& word, int local_rank) {
  if (word == "cpu") return {Device::cpu(), "as asked"};
  if (word != "auto" && word != "cuda") {
    throw UsageError("--device", "'" + word + "' is not available", "Use auto, cpu or cuda");
  }
  const int devices = kernels::device::devices();
  if (word == "auto" && devices == 0) return {Device::cpu(), "no CUDA device here"};
  const int index = devices == 0 ? 0 : local_rank % devices;
  try {
    return {Device::cuda(index), "CUDA device " + std::to_string(index)};
  } catch (const UsageError& error) {
    if (word == "cuda") throw;
    return {Device::cpu(), error.what()};
  }
}

}  // namespace explaind
