#pragma once
// Long samples in windows that a model can read.

#include <cstdint>
#include <vector>

#include "samples/sample.hpp"

namespace explaind {

/// What became of one sample. Window k has tokens [k stride, k stride + window) of it, the last one
/// those up to its end, and the id ID#k. The first window predicts all that the sample does there;
/// the others what none before them has predicted, and have label −100 elsewhere. So nothing counts
/// twice.
struct SampleWindows {
  std::vector<Sample> windows;  ///< those in which something is predicted, in order
  int64_t left_out = 0;         ///< windows in which nothing is
  /// Tokens that the sample predicts and no window: with a stride of a whole window each one
  /// begins with a token that has nothing before it.
  int64_t unpredicted = 0;
};

/// Cuts a sample of more than `window` tokens. 0 < stride ≤ window, window ≥ 2.
SampleWindows cut_into_windows(const Sample& sample, int64_t window, int64_t stride);

}  // namespace explaind
