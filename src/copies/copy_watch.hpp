#pragma once
// Whoever waits for a copy: may stop it, and hears how far it is.

#include <cstdint>

#include "core/listener.hpp"
#include "core/stop_flag.hpp"

namespace explaind {

class CopyWatch {
 public:
  /// Both outlive this.
  CopyWatch(const StopFlag& stop, Listener& listener) : stop_(stop), listener_(listener) {}

  /// So many bytes are to be copied, and read again.
  void begin(uint64_t bytes);
  /// So many of them are about to be; throws StopRequested.
  void advance(uint64_t bytes);
  void finish();

 private:
  const StopFlag& stop_;
  Listener& listener_;
  bool told_ = false;
  uint64_t done_ = 0;
};

}  // namespace explaind
