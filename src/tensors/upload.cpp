#include "tensors/upload.hpp"

#include <ATen/ATen.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstring>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

constexpr size_t piece = size_t{32} << 20;  ///< bytes of a pinned buffer

void copy_on_host(const std::byte* from, size_t bytes, void* to) {
  constexpr int64_t grain = 1 << 20;  // bytes of a piece
  constexpr double work_of_byte = 8;
  share_ranges(static_cast<int64_t>(bytes), grain, work_of_byte, [&](int64_t begin, int64_t end) {
    std::memcpy(static_cast<std::byte*>(to) + begin, from + begin,
                static_cast<size_t>(end - begin));
  });
}

c10::Event recorded(const c10::Stream& stream) {
  c10::Event event(stream.device_type());
  event.record(stream);
  return event;
}

c10::Stream computing_stream(const Device& device) {
  return c10::impl::VirtualGuardImpl(device.place().type()).getStream(device.place());
}

}  // namespace

Upload::Upload(const Device& device) : device_(device) {
  if (device.is_host()) return;
  const c10::impl::VirtualGuardImpl interface(device.place().type());
  stream_ = interface.getStreamFromGlobalPool(device.place(), /*isHighPriority=*/false);
}

Upload::Mark Upload::mark() const {
  if (!stream_) return std::nullopt;
  return recorded(computing_stream(device_));
}

void Upload::begin(const Mark& mark) {
  if (mark) mark->block(*stream_);
}

void Upload::end() {
  if (!stream_) return;
  recorded(*stream_).block(computing_stream(device_));
}

void Upload::copy(const std::byte* from, size_t bytes, const at::Tensor& to, int64_t offset) {
  if (!stream_) {
    copy_on_host(from, bytes, to.data_ptr<uint8_t>() + offset);
    return;
  }
  const c10::StreamGuard guard(*stream_);
  for (size_t at = 0; at < bytes; at += piece) {
    const size_t count = std::min(piece, bytes - at);
    Staging& staging = staging_[next_++ % staging_.size()];
    if (!staging.bytes.defined()) {
      staging.bytes = at::empty({static_cast<int64_t>(piece)}, device_.staging(at::kByte));
    }
    if (staging.sent) staging.sent->synchronize();
    copy_on_host(from + at, count, staging.bytes.data_ptr());
    to.narrow(0, offset + static_cast<int64_t>(at), static_cast<int64_t>(count))
        .copy_(staging.bytes.narrow(0, 0, static_cast<int64_t>(count)), /*non_blocking=*/true);
    staging.sent = recorded(*stream_);
  }
}

}  // namespace explaind
