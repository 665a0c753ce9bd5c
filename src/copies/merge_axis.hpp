#pragma once
// Along what stores are joined, and which of their entries come where.

#include <cstdint>
#include <string>
#include <vector>

#include "copies/merge_source.hpp"

namespace explaind {

/// Neighbouring entries of one store that stay neighbours.
struct MergedRun {
  size_t source = 0;
  int64_t first = 0, count = 0;  ///< in the store
  int64_t place = 0;             ///< of the first, in the merged one
};

struct MergeAxis {
  std::string name;  ///< "sample" or "segment"
  int64_t size = 0;
  std::vector<MergedRun> runs;
  /// Where psi has groups and samples are joined: the same of the axis `group`.
  int64_t groups = 0;
  std::vector<MergedRun> group_runs;
  int64_t positions = 0;          ///< of the longest store; 0: there is no such axis
  std::vector<std::string> gaps;  ///< steps between segments that no store has, in words
};

/// Stores of the same segments are joined along their samples, those of the same samples along
/// their segments, in the order of their steps. Throws DataError that names what is there twice, or
/// what differs where neither is the same.
MergeAxis merge_axis(const std::vector<MergeSource>& sources);

}  // namespace explaind
