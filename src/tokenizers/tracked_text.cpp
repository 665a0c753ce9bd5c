#include "tokenizers/tracked_text.hpp"

#include <algorithm>

namespace explaind {

Origin TrackedText::origin(size_t begin, size_t end) const {
  if (origins_.empty()) {
    return {static_cast<uint32_t>(shift_ + begin), static_cast<uint32_t>(shift_ + end)};
  }
  if (begin < end) {
    // Marks may have been put in another order.
    Origin all = origins_[begin];
    for (size_t i = begin; i < end; ++i) {
      all = {std::min(all.begin, origins_[i].begin), std::max(all.end, origins_[i].end)};
    }
    return all;
  }
  const uint32_t at = begin < origins_.size() ? origins_[begin].begin : origins_.back().end;
  return {at, at};
}

TrackedText TrackedText::part(size_t begin, size_t end) const {
  TrackedText made;
  made.text_ = text_.substr(begin, end - begin);
  made.shift_ = shift_ + begin;
  if (!origins_.empty()) {
    made.origins_ = {origins_.begin() + static_cast<std::ptrdiff_t>(begin),
                     origins_.begin() + static_cast<std::ptrdiff_t>(end)};
  }
  return made;
}

void TrackedEdit::keep(size_t begin, size_t end) {
  to_.text_ += from_.text_.substr(begin, end - begin);
  for (size_t i = begin; i < end; ++i) to_.origins_.push_back(from_.origin(i, i + 1));
}

void TrackedEdit::put(std::string_view text, size_t begin, size_t end) {
  to_.text_ += text;
  to_.origins_.insert(to_.origins_.end(), text.size(), from_.origin(begin, end));
}

}  // namespace explaind
