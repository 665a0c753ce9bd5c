#pragma once
// How units are handed out and how often ranks and rank 0 look for messages: what the dispatcher
// does, and what a simulation of it must do.

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace explaind {

/// Units of the next range where `left` are left: half of an even share, at least one while there
/// are any.
inline int64_t units_of_range(int64_t left, int64_t clients) {
  return std::min(left, std::max<int64_t>(1, left / (2 * clients)));
}

/// Between two looks of rank 0's thread for a message, where the last one found none.
inline constexpr std::chrono::microseconds between_looks{500};

/// Between two looks of a client for its answer.
inline constexpr std::chrono::microseconds between_tries{50};

/// How long another rank's stop may go unheard inside a range: then a client asks between units.
inline constexpr std::chrono::seconds stop_interval{1};

}  // namespace explaind
