#include "checkpoint/layouts/tensor_plan.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/byte_size.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// Type and number of a plan's elements.
TensorView described_plan(const TensorPlan& plan, const std::map<std::string, BoxedTensor>& sources,
                          const std::string& where) {
  TensorView view{.name = plan.name, .shape = plan.shape};
  int64_t count = 0;
  for (const ElementRun& run : plan.runs) {
    const BoxedTensor& source = sources.at(run.source);
    if (count > 0 && source.dtype() != view.dtype) {
      throw DataError(where, fmt::format("{} is put together of tensors of two types", plan.name));
    }
    const bool inside = run.first >= 0 && run.count >= 0 && run.first <= source.elements() &&
                        run.count <= source.elements() - run.first;
    if (!inside) {
      throw DataError(where, fmt::format("{}, which is {}, is too small for {}", run.source,
                                         shape_to_string(source.shape()), plan.name));
    }
    view.dtype = source.dtype();
    count += run.count;
  }
  if (count != elements(plan.shape)) {
    throw DataError(where, fmt::format("{} has {} elements there, and its shape is {}", plan.name,
                                       count, shape_to_string(plan.shape)));
  }
  view.bytes = static_cast<size_t>(count) * dtype_size(view.dtype);
  return view;
}

}  // namespace

PlannedTensors::PlannedTensors(std::vector<TensorPlan> plans,
                               std::map<std::string, BoxedTensor> sources, const std::string& where)
    : plans_(std::move(plans)), sources_(std::move(sources)) {
  size_t room = 0;
  for (const TensorPlan& plan : plans_) {
    TensorView view = described_plan(plan, sources_, where);
    if (plan.runs.size() == 1) {
      const ElementRun& run = plan.runs.front();
      view.data = sources_.at(run.source).contiguous(run.first, run.count);
    }
    if (view.data == nullptr) room += PutTogether::rounded(view.bytes);
    views_.push_back(std::move(view));
  }
  room_ = std::make_unique<LateRoom>(room, where);
  std::byte* next = room_->data();
  for (TensorView& view : views_) {
    if (view.data != nullptr) continue;
    view.data = next;
    next += PutTogether::rounded(view.bytes);
    ++copied_;
  }
}

void PlannedTensors::prepare(const TensorView& view) const {
  if (room_->holds(view.data)) room_->fill([this] { put_together(); });
}

void PlannedTensors::put_together() const {
  for (size_t i = 0; i < plans_.size(); ++i) {
    if (!room_->holds(views_[i].data)) continue;
    std::byte* out = room_->data() + (views_[i].data - room_->data());
    for (const ElementRun& run : plans_[i].runs) {
      sources_.at(run.source).copy(run.first, run.count, out);
      out += static_cast<size_t>(run.count) * dtype_size(views_[i].dtype);
    }
  }
}

std::string PlannedTensors::note() const {
  if (copied_ == 0) return "";
  return fmt::format(
      "{} tensor{} lie{} in parts and {} put together: {} in a temporary file "
      "(TMPDIR)",
      copied_, copied_ == 1 ? "" : "s", copied_ == 1 ? "s" : "", copied_ == 1 ? "is" : "are",
      format_bytes(static_cast<double>(room_->bytes())));
}

}  // namespace explaind
