#pragma once
// Something that looks out of line at a checkpoint, before it is sorted out what explains what.

#include <cstddef>
#include <string>

namespace explaind {

struct Suspect {
  size_t checkpoint = 0;
  std::string tensor;  ///< or
  int file = -1;       ///< a file's number
  bool back = false;   ///< it turned back
  double ratio = 0;    ///< by how much its way in is longer against its way out than others'
  double strength = 0;
  double jump = 0;   ///< of a file, where two have the same strength
  size_t reach = 1;  ///< so many checkpoints away what is foreign may have made it look so
};

/// Whether two checkpoints are one, or no further apart than `reach`.
inline bool near(size_t a, size_t b, size_t reach = 1) { return a <= b + reach && b <= a + reach; }

}  // namespace explaind
