#include "checkpoint/layouts/boxed_tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "checkpoint/tensor_view.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

bool boxes_overlap(const Box& a, const Box& b) {
  for (size_t axis = 0; axis < a.sizes.size(); ++axis) {
    if (a.offsets[axis] >= b.offsets[axis] + b.sizes[axis] ||
        b.offsets[axis] >= a.offsets[axis] + a.sizes[axis]) {
      return false;
    }
  }
  return true;
}

}  // namespace

BoxedTensor::BoxedTensor(std::string name, Dtype dtype, std::vector<int64_t> shape,
                         std::vector<Box> boxes, const std::string& where)
    : name_(std::move(name)),
      dtype_(dtype),
      shape_(std::move(shape)),
      elements_(explaind::elements(shape_)),
      boxes_(std::move(boxes)) {
  std::erase_if(boxes_, [](const Box& box) { return explaind::elements(box.sizes) == 0; });
  std::sort(boxes_.begin(), boxes_.end(),
            [](const Box& a, const Box& b) { return a.offsets < b.offsets; });
  require_cover(where);
}

void BoxedTensor::require_cover(const std::string& where) const {
  const auto refuse = [&](const std::string& problem) {
    throw DataError(where, fmt::format("the parts of {} {}", name_, problem),
                    "Save the checkpoint again, or copy all of its files again");
  };
  int64_t covered = 0;
  for (size_t i = 0; i < boxes_.size(); ++i) {
    const Box& box = boxes_[i];
    covered += explaind::elements(box.sizes);
    // Sorted by their first row: those that begin behind this one's last row cannot meet it.
    for (size_t j = i + 1; j < boxes_.size(); ++j) {
      if (!shape_.empty() && boxes_[j].offsets[0] >= box.offsets[0] + box.sizes[0]) break;
      if (boxes_overlap(box, boxes_[j])) {
        refuse(fmt::format("overlap: one begins at {}, another at {}", shape_to_string(box.offsets),
                           shape_to_string(boxes_[j].offsets)));
      }
    }
  }
  if (covered != elements_) {
    refuse(fmt::format("leave a hole: they have {} of its {} elements", covered, elements_));
  }
}

BoxedTensor::Lines BoxedTensor::lines_of(const Box& box) const {
  Lines lines;
  lines.axis = shape_.size();
  while (lines.axis > 0) {
    --lines.axis;
    lines.length *= box.sizes[lines.axis];
    if (box.sizes[lines.axis] != shape_[lines.axis]) break;
  }
  for (size_t axis = 0; axis < lines.axis; ++axis) lines.count *= box.sizes[axis];
  return lines;
}

int64_t BoxedTensor::start(const Box& box, const Lines& lines, int64_t line) const {
  int64_t at = 0, stride = 1;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    int64_t index = box.offsets[axis];
    if (axis < lines.axis) {
      index += line % box.sizes[axis];
      line /= box.sizes[axis];
    }
    at += index * stride;
    stride *= shape_[axis];
  }
  return at;
}

const std::byte* BoxedTensor::contiguous(int64_t first, int64_t count) const {
  const auto size = static_cast<int64_t>(dtype_size(dtype_));
  for (const Box& box : boxes_) {
    const Lines lines = lines_of(box);
    if (lines.count != 1) continue;
    const int64_t begin = start(box, lines, 0);
    if (first >= begin && count <= lines.length && first - begin <= lines.length - count) {
      return box.data + (first - begin) * size;
    }
  }
  return nullptr;
}

void BoxedTensor::copy(int64_t first, int64_t count, std::byte* out) const {
  const auto size = static_cast<int64_t>(dtype_size(dtype_));
  const int64_t end = first + count;
  for (const Box& box : boxes_) {
    const Lines lines = lines_of(box);
    int64_t line = 0, beyond = lines.count;  // the first line that ends after `first`
    while (line < beyond) {
      const int64_t middle = line + (beyond - line) / 2;
      start(box, lines, middle) + lines.length <= first ? line = middle + 1 : beyond = middle;
    }
    for (; line < lines.count; ++line) {
      const int64_t begin = start(box, lines, line);
      if (begin >= end) break;
      const int64_t from = std::max(begin, first), to = std::min(begin + lines.length, end);
      std::memcpy(out + (from - first) * size,
                  box.data + (line * lines.length + from - begin) * size,
                  static_cast<size_t>((to - from) * size));
    }
  }
}

}  // namespace explaind
