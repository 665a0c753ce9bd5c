#pragma once
// How whoever asks for a job follows it, and ends it early.

#include "core/listener.hpp"
#include "core/stop_flag.hpp"

namespace explaind {

/// Both are this rank's and must outlive what they are given to.
struct Control {
  const StopFlag& stop;
  Listener& listener;
};

}  // namespace explaind
