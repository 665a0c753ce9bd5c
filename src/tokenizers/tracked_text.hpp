#pragma once
// A text that is changed step by step, and where in the first one each of its bytes comes from.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace explaind {

struct Origin {
  uint32_t begin, end;  ///< bytes of the first text
};

class TrackedText {
 public:
  /// A part of the first text, `shift` bytes after its beginning, unchanged.
  TrackedText(std::string_view part, size_t shift) : text_(part), shift_(shift) {}

  [[nodiscard]] std::string_view text() const { return text_; }
  /// Where bytes [begin, end) come from; both ends of an empty range lie at `begin`.
  [[nodiscard]] Origin origin(size_t begin, size_t end) const;
  /// The part [begin, end) as a text of its own.
  [[nodiscard]] TrackedText part(size_t begin, size_t end) const;

 private:
  friend class TrackedEdit;
  TrackedText() = default;
  std::string text_;
  std::vector<Origin> origins_;  ///< of every byte; empty: byte i is byte shift_ + i
  size_t shift_ = 0;
};

/// A new text made from parts of an old one, in any order.
class TrackedEdit {
 public:
  explicit TrackedEdit(const TrackedText& from) : from_(from) {}
  void keep(size_t begin, size_t end);
  /// `text` in place of bytes [begin, end) of the old one.
  void put(std::string_view text, size_t begin, size_t end);
  [[nodiscard]] TrackedText done() { return std::move(to_); }

 private:
  const TrackedText& from_;
  TrackedText to_;
};

}  // namespace explaind
