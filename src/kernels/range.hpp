#pragma once
// Which rows or columns a call is for, so that callers may split them over threads.

#include <cstdint>

namespace explaind::kernels {

/// [begin, end).
struct Range {
  int64_t begin = 0, end = 0;
};

}  // namespace explaind::kernels
