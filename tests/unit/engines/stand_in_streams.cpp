#include "unit/engines/stand_in_streams.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <algorithm>
#include <stdexcept>

#include "unit/engines/stand_in_memory.hpp"

namespace explaind::testing {
namespace {

thread_local c10::StreamId current_stream = 0;

struct RecordedEvent {
  StreamOrder::Times reached;
};

struct Guard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = stand_in_place;
  Guard() = default;
  explicit Guard(c10::DeviceType /*type*/) {}

  [[nodiscard]] c10::DeviceType type() const override { return stand_in_place; }
  [[nodiscard]] c10::Device exchangeDevice(c10::Device /*to*/) const override {
    return getDevice();
  }
  [[nodiscard]] c10::Device getDevice() const override { return {stand_in_place, 0}; }
  void setDevice(c10::Device /*to*/) const override {}
  void uncheckedSetDevice(c10::Device /*to*/) const noexcept override {}
  [[nodiscard]] c10::Stream getStream(c10::Device /*of*/) const noexcept override {
    return c10::Stream(c10::Stream::UNSAFE, {stand_in_place, 0}, current_stream);
  }
  [[nodiscard]] c10::Stream getDefaultStream(c10::Device /*of*/) const override {
    return c10::Stream(c10::Stream::UNSAFE, {stand_in_place, 0}, 0);
  }
  [[nodiscard]] c10::Stream getStreamFromGlobalPool(c10::Device /*of*/,
                                                    bool /*high*/) const override {
    static c10::StreamId next = 0;
    next = next % static_cast<c10::StreamId>(StreamOrder::streams - 1) + 1;
    return c10::Stream(c10::Stream::UNSAFE, {stand_in_place, 0}, next);
  }
  [[nodiscard]] c10::Stream exchangeStream(c10::Stream to) const noexcept override {
    const c10::StreamId before = current_stream;
    current_stream = to.id();
    return c10::Stream(c10::Stream::UNSAFE, {stand_in_place, 0}, before);
  }
  [[nodiscard]] c10::DeviceIndex deviceCount() const noexcept override { return 1; }

  void record(void** event, const c10::Stream& stream, const c10::DeviceIndex /*index*/,
              const c10::EventFlag /*flag*/) const override {
    if (*event == nullptr) *event = new RecordedEvent;
    static_cast<RecordedEvent*>(*event)->reached =
        StreamOrder::of_all().reached(static_cast<size_t>(stream.id()));
  }
  void block(void* event, const c10::Stream& stream) const override {
    const auto* recorded = static_cast<const RecordedEvent*>(event);
    if (recorded == nullptr) return;
    StreamOrder::of_all().wait(static_cast<size_t>(stream.id()), recorded->reached);
  }
  bool queryEvent(void* /*event*/) const override { return true; }
  void synchronizeEvent(void* event) const override {
    const auto* recorded = static_cast<const RecordedEvent*>(event);
    if (recorded != nullptr) StreamOrder::of_all().host_waits(recorded->reached);
  }
  void destroyEvent(void* event, const c10::DeviceIndex /*index*/) const noexcept override {
    delete static_cast<RecordedEvent*>(event);
  }
  [[nodiscard]] bool queryStream(const c10::Stream& /*stream*/) const override { return true; }
  void synchronizeStream(const c10::Stream& stream) const override {
    StreamOrder& order = StreamOrder::of_all();
    order.host_waits(order.reached(static_cast<size_t>(stream.id())));
  }
};

}  // namespace

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

size_t stand_in_stream() { return static_cast<size_t>(current_stream); }

StreamOrder& StreamOrder::of_all() {
  static StreamOrder order;
  return order;
}

void StreamOrder::use(const void* piece, size_t stream, const std::string& what) {
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

StreamOrder::Times StreamOrder::reached(size_t stream) {
  const std::lock_guard lock(mutex_);
  Times times = waited_[stream];
  times[stream] = clock_;
  return times;
}

void StreamOrder::wait(size_t stream, const Times& until) {
  const std::lock_guard lock(mutex_);
  for (size_t other = 0; other < streams; ++other) {
    waited_[stream][other] = std::max(waited_[stream][other], until[other]);
  }
}

void StreamOrder::host_waits(const Times& until) {
  for (size_t each = 0; each < streams; ++each) wait(each, until);
}

}  // namespace explaind::testing
