#include "unit/engines/stand_in_device.hpp"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>

#include <array>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/engines/stand_in_memory.hpp"
#include "unit/engines/stand_in_streams.hpp"
#include "unit/kernels/launch_hooks.hpp"

namespace explaind::testing {
namespace {

size_t operations = 0;

bool is_there(const at::Tensor& tensor) { return tensor.defined() && tensor.is_privateuseone(); }

void use(const at::Tensor& tensor, const std::string& what) {
  const void* piece = StandInMemory::all().piece_of(tensor.storage().data());
  if (piece != nullptr) StreamOrder::of_all().use(piece, stand_in_stream(), what);
}

/// Of these CUDA has no algorithm whose sums have a fixed order, and LibTorch refuses them where
/// determinism is asked for.
bool varies_on_cuda(const std::string& name) {
  static const std::set<std::string> all{"aten::adaptive_max_pool2d_backward",
                                         "aten::max_pool2d_with_indices_backward",
                                         "aten::_adaptive_avg_pool2d_backward",
                                         "aten::avg_pool2d_backward",
                                         "aten::upsample_bilinear2d_backward",
                                         "aten::nll_loss2d_forward",
                                         "aten::histc"};
  return all.count(name.substr(0, name.find('.'))) > 0;
}

void look_at(const at::Tensor& tensor, const std::string& name) {
  if (!tensor.defined()) return;
  if (is_there(tensor)) {
    use(tensor, name);
  } else if (tensor.dim() > 0) {  // a number is passed by value
    throw std::runtime_error(name + ": one tensor is on the device, another on the host");
  }
}

void on_the_device(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const std::string name = op.schema().name();
  if (varies_on_cuda(name)) throw std::runtime_error(name + " adds in no fixed order on CUDA");
  ++operations;
  const auto arguments = torch::jit::last(*stack, op.schema().arguments().size());
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor()) {
      look_at(argument.toTensor(), name);
    } else if (argument.isTensorList()) {
      for (const at::Tensor& each : argument.toTensorVector()) look_at(each, name);
    }
  }
  at::native::cpu_fallback(op, stack);
}

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> type,
                 std::optional<at::Layout> /*layout*/, std::optional<at::Device> /*device*/,
                 std::optional<bool> /*pinned*/, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, c10::GetAllocator(stand_in_place),
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                         std::optional<at::ScalarType> type, std::optional<at::Layout> /*layout*/,
                         std::optional<at::Device> /*device*/, std::optional<bool> /*pinned*/) {
  return at::detail::empty_strided_generic(size, stride, c10::GetAllocator(stand_in_place),
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(type));
}

/// The same elements as a tensor of the host.
at::Tensor seen_from_host(const at::Tensor& tensor) {
  if (!is_there(tensor)) return tensor;
  return at::from_blob(StandInMemory::all().seen_from_host(tensor.data_ptr()), tensor.sizes(),
                       tensor.strides(), at::TensorOptions().dtype(tensor.scalar_type()));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool /*non_blocking*/) {
  for (const at::Tensor* each : {&from, &to}) {
    if (is_there(*each)) use(*each, "a copy");
  }
  seen_from_host(to).copy_(seen_from_host(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return copy_from(from, to, false);
}

const at::Tensor& resize(const at::Tensor& tensor, c10::IntArrayRef size,
                         std::optional<at::MemoryFormat> /*format*/) {
  int64_t count = 1;
  for (const int64_t each : size) count *= each;
  const size_t bytes = static_cast<size_t>(count) * tensor.element_size();
  if (tensor.storage().nbytes() < bytes) {
    at::Storage storage = tensor.storage();
    storage.set_data_ptr(c10::GetAllocator(stand_in_place)->allocate(bytes));
    storage.set_nbytes(bytes);
  }
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(size);
  return tensor;
}

using Sizes = c10::SymIntArrayRef;

/// LibTorch has no way back to the host for these two.
at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias, Sizes stride, Sizes padding,
                       Sizes dilation, bool transposed, Sizes output_padding, c10::SymInt groups) {
  for (const at::Tensor& each : {input, weight}) look_at(each, "aten::convolution");
  std::optional<at::Tensor> shift;
  if (bias && bias->defined()) shift = seen_from_host(*bias);
  return at::convolution_symint(seen_from_host(input), seen_from_host(weight), shift, stride,
                                padding, dilation, transposed, output_padding, std::move(groups))
      .to(input.device());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight, Sizes stride,
    Sizes padding, Sizes dilation, bool transposed, Sizes output_padding, c10::SymInt groups,
    std::array<bool, 3> wanted) {
  for (const at::Tensor& each : {gradient, input, weight}) {
    look_at(each, "aten::convolution_backward");
  }
  const std::vector<c10::SymInt> biases{gradient.sym_size(1)};
  const auto found = at::convolution_backward_symint(
      seen_from_host(gradient), seen_from_host(input), seen_from_host(weight), biases, stride,
      padding, dilation, transposed, output_padding, std::move(groups), wanted);
  const auto there = [&](const at::Tensor& each) {
    return each.defined() ? each.to(input.device()) : each;
  };
  return {there(std::get<0>(found)), there(std::get<1>(found)), there(std::get<2>(found))};
}

/// Attention without a fused kernel.
int64_t choose_attention(const at::Tensor& /*q*/, const at::Tensor& /*k*/, const at::Tensor& /*v*/,
                         const std::optional<at::Tensor>& /*mask*/, double /*dropout*/,
                         bool /*causal*/, std::optional<double> /*scale*/, bool /*grouped*/) {
  return 0;
}

struct Hooks final : at::PrivateUse1HooksInterface {
  [[nodiscard]] bool isBuilt() const override { return true; }
  [[nodiscard]] bool isAvailable() const override { return true; }
  [[nodiscard]] bool hasPrimaryContext(c10::DeviceIndex /*index*/) const override { return true; }
};

Hooks hooks;

}  // namespace

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_device>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("as_strided", &at::native::as_strided_tensorimpl);
  library.impl("view", &at::native::view);
  library.impl("unfold", &at::native::unfold);
  library.impl("_reshape_alias", &at::native::_reshape_alias);
  library.impl("resize_", &resize);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_from_and_resize);
  library.impl("_fused_sdp_choice", &choose_attention);
  library.impl("convolution_overrideable", &convolution);
  library.impl("convolution_backward_overrideable", &convolution_backward);
}

Device stand_in_device() {
  static const bool made = [] {
    at::RegisterPrivateUse1HooksInterface(&hooks);
    c10::register_privateuse1_backend("stand_in");
    cuda_on_host::before_launch = [](std::initializer_list<const void*> pointers) {
      ++operations;
      StandInMemory::all().open();
      for (const void* each : pointers) {
        const void* piece = StandInMemory::all().piece_of(each);
        if (piece != nullptr) StreamOrder::of_all().use(piece, stand_in_stream(), "a kernel");
      }
    };
    cuda_on_host::after_launch = [] { StandInMemory::all().close(); };
    return true;
  }();
  static_cast<void>(made);
  return Device::of(at::empty({0}, at::TensorOptions().device(c10::Device(stand_in_place, 0))),
                    true);
}

size_t stand_in_operations() { return operations; }

}  // namespace explaind::testing
