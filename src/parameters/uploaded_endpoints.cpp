#include "parameters/uploaded_endpoints.hpp"

#include <ATen/ATen.h>

#include <utility>

#include "core/alignment.hpp"

namespace explaind {
namespace {

/// On a device every tensor begins on such a boundary too.
int64_t room(size_t bytes) { return static_cast<int64_t>(aligned(bytes)); }

const std::byte* bytes_of(const at::Tensor& buffer, int64_t offset) {
  return reinterpret_cast<const std::byte*>(buffer.const_data_ptr<uint8_t>()) + offset;
}

}  // namespace

std::vector<Endpoints> UploadedEndpoints::read(const std::vector<ParameterRows>& parts) {
  std::vector<Endpoints> ends = stored_->read(parts);
  int64_t total = 0;
  for (const Endpoints& each : ends) total += room(each.from.bytes) + room(each.to.bytes);
  used_[current_] = upload_.mark();
  current_ = 1 - current_;
  at::Tensor& buffer = buffers_[current_];
  if (!buffer.defined() || buffer.numel() < total) {
    buffer.reset();  // before the larger one is there
    buffer = at::empty({total}, device_.options(at::kByte));
    // What was just handed out may be memory that kernels in the computing stream still read.
    used_[current_] = upload_.mark();
  }
  upload_.begin(used_[current_]);
  int64_t offset = 0;
  for (Endpoints& each : ends) {
    for (TensorView* view : {&each.from, &each.to}) {
      upload_.copy(view->data, view->bytes, buffer, offset);
      view->data = bytes_of(buffer, offset);
      offset += room(view->bytes);
    }
  }
  upload_.end();
  return ends;
}

void DeviceEndpoints::load(int64_t segment) {
  if (segment == segment_) return;
  segment_ = -1;  // nothing is loaded if a copy fails
  const std::array<int64_t, 2> wanted{trajectory_.point(segment, false),
                                      trajectory_.point(segment, true)};
  std::erase_if(points_, [&](const auto& point) {
    return point.first != wanted[0] && point.first != wanted[1];
  });
  upload_.begin(upload_.mark());  // what is given back may still be in use, and is handed out again
  for (const bool to : {false, true}) {
    const auto [place, added] = points_.try_emplace(wanted[to ? 1 : 0]);
    if (!added) continue;
    for (const ParameterId parameter : parameters_) {
      const Endpoints ends = trajectory_.endpoints(segment, parameter);
      const TensorView& view = to ? ends.to : ends.from;
      at::Tensor bytes = at::empty({room(view.bytes)}, device_.options(at::kByte));
      upload_.copy(view.data, view.bytes, bytes, 0);
      place->second.emplace(parameter, std::move(bytes));
    }
  }
  upload_.end();
  segment_ = segment;
}

Endpoints DeviceEndpoints::endpoints(ParameterId parameter) const {
  Endpoints ends = trajectory_.endpoints(segment_, parameter);
  ends.from.data = bytes_of(points_.at(trajectory_.point(segment_, false)).at(parameter), 0);
  ends.to.data = bytes_of(points_.at(trajectory_.point(segment_, true)).at(parameter), 0);
  return ends;
}

}  // namespace explaind
