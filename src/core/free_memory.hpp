#pragma once
// Memory that this machine has left.

#include <cstdint>

namespace explaind {

/// Bytes that programs may still take without swapping: what the kernel calls available, or what
/// the container's limit (cgroup v2) leaves, whichever is less. 0 where neither can be read.
int64_t free_memory();

}  // namespace explaind
