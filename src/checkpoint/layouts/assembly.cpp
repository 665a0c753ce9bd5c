#include "checkpoint/layouts/assembly.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// The end of what a piece writes.
size_t end_of(const Piece& piece) {
  return piece.runs == 0 ? 0 : piece.to + (piece.runs - 1) * piece.to_step + piece.run;
}

}  // namespace

Piece piece_of(const TensorView& flat, int64_t first, int64_t count, int64_t to,
               const std::string& where) {
  if (first < 0 || count < 0 || to < 0 || count > flat.elements() ||
      first > flat.elements() - count) {
    throw DataError(where,
                    fmt::format("{} holds {} numbers, and those from {} to {} are needed",
                                flat.name, flat.elements(), first, first + count),
                    "The file is damaged or of another checkpoint: copy it again");
  }
  const size_t size = dtype_size(flat.dtype);
  return {.from = flat.data + static_cast<size_t>(first) * size,
          .run = static_cast<size_t>(count) * size,
          .to = static_cast<size_t>(to) * size};
}

Piece slice_along(const TensorView& part, size_t axis, int64_t at, int64_t length) {
  size_t runs = 1, inner = dtype_size(part.dtype);
  for (size_t i = 0; i < axis; ++i) runs *= static_cast<size_t>(part.shape[i]);
  for (size_t i = axis + 1; i < part.shape.size(); ++i) {
    inner *= static_cast<size_t>(part.shape[i]);
  }
  const size_t run = static_cast<size_t>(part.shape[axis]) * inner;
  return {.from = part.data,
          .run = run,
          .to = static_cast<size_t>(at) * inner,
          .runs = runs,
          .from_step = run,
          .to_step = static_cast<size_t>(length) * inner};
}

void Assembly::add(std::string name, Dtype dtype, std::vector<int64_t> shape,
                   std::vector<Piece> pieces) {
  TensorView view{.name = std::move(name), .dtype = dtype, .shape = std::move(shape)};
  view.bytes = static_cast<size_t>(view.elements()) * dtype_size(dtype);
  size_t held = 0;
  int64_t most = int64_t{1} << 60;
  for (const int64_t length : view.shape) most /= std::max<int64_t>(length, 1);
  bool inside = most > 0;
  for (const Piece& each : pieces) {
    held += each.run * each.runs;
    inside = inside && end_of(each) <= view.bytes;
  }
  if (held != view.bytes || !inside) {
    throw DataError(
        where_,
        fmt::format("the parts of {} hold {} numbers, and its shape {} has {}", view.name,
                    held / dtype_size(dtype), shape_to_string(view.shape), view.elements()),
        "Copy the checkpoint again, all of it");
  }
  if (pieces.size() == 1 && (pieces[0].runs == 1 || pieces[0].from_step == pieces[0].to_step)) {
    view.data = pieces[0].from;
    pieces.clear();
  }
  tensors_.push_back(std::move(view));
  pieces_.push_back(std::move(pieces));
}

void Assembly::add(TensorView whole) {
  tensors_.push_back(std::move(whole));
  pieces_.emplace_back();
}

const std::vector<TensorView>& Assembly::finish() {
  size_t bytes = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!pieces_[i].empty()) bytes += PutTogether::rounded(tensors_[i].bytes);
  }
  if (bytes == 0) return tensors_;
  room_ = std::make_unique<LateRoom>(bytes, where_);
  size_t taken = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (pieces_[i].empty()) continue;
    tensors_[i].data = room_->data() + taken;
    taken += PutTogether::rounded(tensors_[i].bytes);
  }
  return tensors_;
}

void Assembly::fill() const {
  if (room_ == nullptr) return;
  room_->fill([this] {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      for (const Piece& piece : pieces_[i]) {
        std::byte* to = room_->data() + (tensors_[i].data - room_->data()) + piece.to;
        for (size_t row = 0; row < piece.runs; ++row) {
          std::memcpy(to + row * piece.to_step, piece.from + row * piece.from_step, piece.run);
        }
      }
    }
  });
}

}  // namespace explaind
