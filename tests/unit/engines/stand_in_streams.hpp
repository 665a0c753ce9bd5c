#pragma once
// The streams of a device that is not there: who waits for whom.

#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace explaind::testing {

/// Everything runs at once and in order here; what is kept is which order a device would guarantee.
class StreamOrder {
 public:
  static constexpr size_t streams = 8;
  static StreamOrder& of_all();

  /// Work of this stream uses a piece of memory. Throws where another stream's work on it need not
  /// be done by then.
  void use(const void* piece, size_t stream, const std::string& what);
  /// Until when each stream's work is done once this one has come so far: its own till now, and of
  /// the others what it has waited for.
  using Times = std::array<size_t, streams>;
  Times reached(size_t stream);
  void wait(size_t stream, const Times& until);
  /// The host waits, and with it all that is queued afterwards.
  void host_waits(const Times& until);

 private:
  std::mutex mutex_;
  size_t clock_ = 0;
  std::map<const void*, Times> last_use_;
  std::array<Times, streams> waited_{};
};

/// The stream that LibTorch queues this thread's work in.
size_t stand_in_stream();

}  // namespace explaind::testing
