#pragma once
// Which row of the scores a sample adds to: its own, its group's, or the only one.

#include <cstdint>

#include "samples/sample.hpp"
#include "scores/tile.hpp"

namespace explaind {

/// Rows of `samples` samples in a row.
inline int64_t row_count(const Axes& axes, const Groups& groups, int64_t samples) {
  if (axes.sample) return samples;
  return axes.group ? static_cast<int64_t>(groups.names.size()) : 1;
}

/// The row of a sample among those of the samples from `begin` on. groups: of all samples.
inline int64_t row_of(const Axes& axes, const Groups& groups, int64_t sample, int64_t begin) {
  if (axes.sample) return sample - begin;
  return axes.group ? groups.of_sample[static_cast<size_t>(sample)] : 0;
}

}  // namespace explaind
