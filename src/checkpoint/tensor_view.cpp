#include "checkpoint/tensor_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/elements.hpp"

namespace explaind {

std::string shape_to_string(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

int64_t TensorView::elements() const { return explaind::elements(shape); }

TensorView TensorView::rows(int64_t first, int64_t count) const {
  TensorView part = *this;
  const size_t row = bytes / static_cast<size_t>(shape.at(0));
  part.shape[0] = count;
  part.data = data + static_cast<size_t>(first) * row;
  part.bytes = static_cast<size_t>(count) * row;
  return part;
}

}  // namespace explaind
