#pragma once
// A request to stop: what is being computed is finished and kept, nothing more begins.

#include <atomic>

#include "core/error.hpp"

namespace explaind {

/// Thrown where a stop is noticed: exit code 75. Not a failure.
class StopRequested : public Error {
 public:
  explicit StopRequested(const std::string& said) : Error("", said, "", ExitCode::stopped) {}
};

/// Whoever asks for a computation holds one and may raise it at any time, from any thread or a
/// signal's handler. It stays raised until it is lowered, so that a job may be followed by another.
class StopFlag {
 public:
  StopFlag() = default;
  /// Up too while `also` is true, which must outlive this; null: there is none.
  explicit StopFlag(const std::atomic<bool>* also) : also_(also) {}
  void raise() noexcept { raised_ = true; }
  void lower() noexcept { raised_ = false; }
  /// Whether it was up before.
  bool raise_once() noexcept { return raised_.exchange(true); }
  [[nodiscard]] bool raised() const noexcept { return raised_ || (also_ != nullptr && *also_); }
  /// Throws StopRequested("stopped on request") where it is up.
  void require_down() const {
    if (raised()) throw StopRequested("stopped on request");
  }

 private:
  std::atomic<bool> raised_{false};
  const std::atomic<bool>* also_ = nullptr;
  static_assert(std::atomic<bool>::is_always_lock_free);  // used in a signal's handler
};

}  // namespace explaind
