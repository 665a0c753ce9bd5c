#pragma once
// Where tensors begin in memory. The bits of a matrix product depend on it, so it is one number.

#include <cstddef>
#include <cstdint>

namespace explaind {

/// Bytes: a cache line, and the widest vector that a processor loads.
inline constexpr int64_t alignment = 64;

/// The next multiple of `alignment` that is not below `bytes`, which is not negative.
constexpr int64_t aligned(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }
constexpr size_t aligned(size_t bytes) {
  return static_cast<size_t>(aligned(static_cast<int64_t>(bytes)));
}

}  // namespace explaind
