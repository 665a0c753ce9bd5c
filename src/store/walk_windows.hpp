#pragma once
// How a pass over a stored variable is cut into blocks that fit memory, and what of it is read.

#include <cstdint>
#include <vector>

#include "store/query_axes.hpp"

namespace explaind {

/// A run of stored places of an axis, and where it lies among those that are read.
struct PlaceRun {
  int64_t first = 0, count = 0, at = 0;
};

/// The part of an axis that belongs to one block. N entries in their order.
struct AxisWindow {
  std::vector<size_t> entries;  ///< of the axis, chosen ones alone
  std::vector<size_t> read_at;  ///< N: where the entry's place is among those that are read
  std::vector<PlaceRun> runs;   ///< what is read, ascending
  int64_t read = 0;             ///< places that are read, with gaps too short to be passed over
};

/// Per axis its windows, in the order of its entries. A block is a window of every axis, so that
/// one is read and held at a time: at most `most` values, unless a single place of the last axis is
/// more. Where the variable lies in one piece, blocks follow each other row by row and their
/// entries have the order of the file; where it is stored in chunks, every chunk is visited once,
/// if it has at most `most` values. chunk: its extents; empty where there are none.
std::vector<std::vector<AxisWindow>> windows_of(const std::vector<QueryAxis>& axes,
                                                const std::vector<int64_t>& chunk, int64_t most);

}  // namespace explaind
