#include "unit/decomposition/stand_in_device.hpp"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <sys/mman.h>
#include <torch/library.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/kernels/launch_hooks.hpp"

namespace explaind::testing {
namespace {

constexpr auto place = c10::DeviceType::PrivateUse1;

// ---- Memory ----

/// One reserved range, mapped twice: at the addresses of the device, which the host may not read or
/// write but while a kernel runs, and at others for the operations of this file. Pieces are whole
/// pages and are handed out again after they were given back, as LibTorch's allocator for CUDA
/// does: at once, whether or not queued work still uses them.
class Memory {
 public:
  static Memory& all() {
    static Memory memory;
    return memory;
  }

  void* allocate(size_t bytes) {
    const std::lock_guard lock(mutex_);
    const size_t size = std::bit_ceil((bytes + page - 1) / page) * page;
    if (const auto found = free_.find(size); found != free_.end()) {
      void* again = found->second;
      free_.erase(found);
      return again;
    }
    if (used_ + size > reserved) throw std::bad_alloc();
    void* fresh = base_ + used_;
    used_ += size;
    sizes_[fresh] = size;
    if (open_ > 0) protect(PROT_READ | PROT_WRITE);
    return fresh;
  }
  void give_back(void* piece) {
    const std::lock_guard lock(mutex_);
    free_.emplace(sizes_.at(piece), piece);
  }
  /// Open while a kernel runs.
  void open() {
    const std::lock_guard lock(mutex_);
    if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) protect(PROT_NONE);
  }
  /// Where the host finds what lies at an address of the device.
  void* seen_from_host(void* address) const {
    return static_cast<char*>(address) + (alias_ - base_);
  }
  /// The piece that holds an address; null where it is the host's.
  const void* piece_of(const void* address) {
    const std::lock_guard lock(mutex_);
    if (address < base_ || address >= base_ + used_) return nullptr;
    return std::prev(sizes_.upper_bound(const_cast<void*>(address)))->first;
  }

 private:
  static constexpr size_t page = 4096, reserved = size_t{1} << 33;

  Memory() {
    const int file = memfd_create("stand_in_device", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, reserved) != 0) throw std::bad_alloc();
    const auto map = [&](int rights) {
      void* range = mmap(nullptr, reserved, rights, MAP_SHARED | MAP_NORESERVE, file, 0);
      if (range == MAP_FAILED) throw std::bad_alloc();
      return static_cast<char*>(range);
    };
    base_ = map(PROT_NONE);
    alias_ = map(PROT_READ | PROT_WRITE);
    ::close(file);
  }
  void protect(int rights) {
    if (used_ > 0 && mprotect(base_, used_, rights) != 0) throw std::runtime_error("mprotect");
  }

  std::mutex mutex_;
  char *base_ = nullptr, *alias_ = nullptr;
  size_t used_ = 0;
  int open_ = 0;
  std::map<void*, size_t> sizes_;
  std::multimap<size_t, void*> free_;
};

struct Opened {
  Opened() { Memory::all().open(); }
  ~Opened() { Memory::all().close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

struct Allocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* piece = bytes == 0 ? nullptr : Memory::all().allocate(bytes);
    return {piece, piece, &give_back, c10::Device(place, 0)};
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    const Opened memory;
    std::memcpy(to, from, bytes);
  }
  static void give_back(void* piece) {
    if (piece != nullptr) Memory::all().give_back(piece);
  }
};

// ---- Streams: who waits for whom ----

/// Everything runs at once and in order here; what is kept is which order a device would guarantee.
class Order {
 public:
  static constexpr size_t streams = 8;
  static Order& of_all() {
    static Order order;
    return order;
  }

  /// Work of this stream uses a piece of memory. Throws where another stream's work on it need not
  /// be done by then.
  void use(const void* piece, size_t stream, const std::string& what) {
    const std::lock_guard lock(mutex_);
    auto& last = last_use_[piece];
    for (size_t other = 0; other < streams; ++other) {
      if (other != stream && last[other] > waited_[stream][other]) {
        throw std::runtime_error(what + " in stream " + std::to_string(stream) +
                                 " uses memory that stream " + std::to_string(other) +
                                 " may still be using");
      }
    }
    last[stream] = ++clock_;
  }
  /// Until when each stream's work is done once this one has come so far: its own till now, and of
  /// the others what it has waited for.
  using Times = std::array<size_t, streams>;
  Times reached(size_t stream) {
    const std::lock_guard lock(mutex_);
    Times times = waited_[stream];
    times[stream] = clock_;
    return times;
  }
  void wait(size_t stream, const Times& until) {
    const std::lock_guard lock(mutex_);
    for (size_t other = 0; other < streams; ++other) {
      waited_[stream][other] = std::max(waited_[stream][other], until[other]);
    }
  }
  /// The host waits, and with it all that is queued afterwards.
  void host_waits(const Times& until) {
    for (size_t each = 0; each < streams; ++each) wait(each, until);
  }

 private:
  std::mutex mutex_;
  size_t clock_ = 0;
  std::map<const void*, Times> last_use_;
  std::array<Times, streams> waited_{};
};

thread_local c10::StreamId current_stream = 0;

struct RecordedEvent {
  Order::Times reached;
};

struct Guard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = place;
  Guard() = default;
  explicit Guard(c10::DeviceType /*type*/) {}

  [[nodiscard]] c10::DeviceType type() const override { return place; }
  [[nodiscard]] c10::Device exchangeDevice(c10::Device /*to*/) const override {
    return getDevice();
  }
  [[nodiscard]] c10::Device getDevice() const override { return {place, 0}; }
  void setDevice(c10::Device /*to*/) const override {}
  void uncheckedSetDevice(c10::Device /*to*/) const noexcept override {}
  [[nodiscard]] c10::Stream getStream(c10::Device /*of*/) const noexcept override {
    return c10::Stream(c10::Stream::UNSAFE, {place, 0}, current_stream);
  }
  [[nodiscard]] c10::Stream getDefaultStream(c10::Device /*of*/) const override {
    return c10::Stream(c10::Stream::UNSAFE, {place, 0}, 0);
  }
  [[nodiscard]] c10::Stream getStreamFromGlobalPool(c10::Device /*of*/,
                                                    bool /*high*/) const override {
    static c10::StreamId next = 0;
    next = next % static_cast<c10::StreamId>(Order::streams - 1) + 1;
    return c10::Stream(c10::Stream::UNSAFE, {place, 0}, next);
  }
  [[nodiscard]] c10::Stream exchangeStream(c10::Stream to) const noexcept override {
    const c10::StreamId before = current_stream;
    current_stream = to.id();
    return c10::Stream(c10::Stream::UNSAFE, {place, 0}, before);
  }
  [[nodiscard]] c10::DeviceIndex deviceCount() const noexcept override { return 1; }

  void record(void** event, const c10::Stream& stream, const c10::DeviceIndex /*index*/,
              const c10::EventFlag /*flag*/) const override {
    if (*event == nullptr) *event = new RecordedEvent;
    static_cast<RecordedEvent*>(*event)->reached =
        Order::of_all().reached(static_cast<size_t>(stream.id()));
  }
  void block(void* event, const c10::Stream& stream) const override {
    const auto* recorded = static_cast<const RecordedEvent*>(event);
    if (recorded == nullptr) return;
    Order::of_all().wait(static_cast<size_t>(stream.id()), recorded->reached);
  }
  bool queryEvent(void* /*event*/) const override { return true; }
  void synchronizeEvent(void* event) const override {
    const auto* recorded = static_cast<const RecordedEvent*>(event);
    if (recorded != nullptr) Order::of_all().host_waits(recorded->reached);
  }
  void destroyEvent(void* event, const c10::DeviceIndex /*index*/) const noexcept override {
    delete static_cast<RecordedEvent*>(event);
  }
  [[nodiscard]] bool queryStream(const c10::Stream& /*stream*/) const override { return true; }
  void synchronizeStream(const c10::Stream& stream) const override {
    Order& order = Order::of_all();
    order.host_waits(order.reached(static_cast<size_t>(stream.id())));
  }
};

// ---- Operations ----

size_t operations = 0;

bool is_there(const at::Tensor& tensor) { return tensor.defined() && tensor.is_privateuseone(); }

void use(const at::Tensor& tensor, const std::string& what) {
  const void* piece = Memory::all().piece_of(tensor.storage().data());
  if (piece != nullptr) Order::of_all().use(piece, static_cast<size_t>(current_stream), what);
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
  return at::detail::empty_generic(size, c10::GetAllocator(place),
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                         std::optional<at::ScalarType> type, std::optional<at::Layout> /*layout*/,
                         std::optional<at::Device> /*device*/, std::optional<bool> /*pinned*/) {
  return at::detail::empty_strided_generic(size, stride, c10::GetAllocator(place),
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(type));
}

/// The same elements as a tensor of the host.
at::Tensor seen_from_host(const at::Tensor& tensor) {
  if (!is_there(tensor)) return tensor;
  return at::from_blob(Memory::all().seen_from_host(tensor.data_ptr()), tensor.sizes(),
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
    storage.set_data_ptr(c10::GetAllocator(place)->allocate(bytes));
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

Allocator allocator;
Hooks hooks;
REGISTER_ALLOCATOR(place, &allocator)

}  // namespace

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

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
      Memory::all().open();
      for (const void* each : pointers) {
        const void* piece = Memory::all().piece_of(each);
        if (piece != nullptr)
          Order::of_all().use(piece, static_cast<size_t>(current_stream), "a kernel");
      }
    };
    cuda_on_host::after_launch = [] { Memory::all().close(); };
    return true;
  }();
  static_cast<void>(made);
  return Device::of(at::empty({0}, at::TensorOptions().device(c10::Device(place, 0))), true);
}

size_t stand_in_operations() { return operations; }

}  // namespace explaind::testing
