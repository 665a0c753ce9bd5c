#pragma once
// How long a neighbour has said nothing, as far as this process can tell.

#include <chrono>

namespace explaind {

/// Counts the time since something was heard, in steps: what passes between two looks counts, but
/// at most `most`. So a process that was stopped, or got no processor, does not take its own
/// standing still for the other's.
class Silence {
 public:
  using Duration = std::chrono::steady_clock::duration;

  explicit Silence(Duration most) : most_(most) {}
  /// Something was heard just now.
  void heard() { counted_ = {}; }
  /// `passed` since the last look.
  void looked(Duration passed) { counted_ += passed < most_ ? passed : most_; }
  [[nodiscard]] Duration counted() const { return counted_; }

 private:
  Duration most_, counted_{};
};

}  // namespace explaind
