#include "path/movement.hpp"

#include <algorithm>
#include <cstring>

namespace explaind {

void Movement::load(int64_t segment) {
  if (segment == segment_) return;
  segment_ = segment;
  std::fill(found_.begin(), found_.end(), Found::unknown);
}

bool Movement::of(ParameterId parameter) {
  if (trajectory_.directions() > 0) return true;
  Found& found = found_[static_cast<size_t>(parameter)];
  if (found == Found::unknown) {
    const Endpoints ends = trajectory_.endpoints(segment_, parameter);
    const bool same = ends.from.dtype == ends.to.dtype && ends.from.bytes == ends.to.bytes &&
                      (ends.from.data == ends.to.data ||
                       std::memcmp(ends.from.data, ends.to.data, ends.from.bytes) == 0);
    found = same ? Found::still : Found::moves;
  }
  return found == Found::moves;
}

bool Movement::at_all() {
  for (size_t i = 0; i < found_.size(); ++i) {
    if (of(static_cast<ParameterId>(i))) return true;
  }
  return false;
}

}  // namespace explaind
