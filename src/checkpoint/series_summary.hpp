#pragma once
// What `explaind inspect` shows of a checkpoint and of a series.

#include <cstdint>
#include <vector>

#include "checkpoint/series.hpp"

namespace explaind {

/// The tensors of one stored type.
struct DtypeTotal {
  Dtype dtype = Dtype::f32;
  int64_t tensors = 0;
  int64_t elements = 0;
  int64_t bytes = 0;
};

struct CheckpointSummary {
  int64_t parameters = 0;          ///< elements of all floating tensors in the files
  int64_t file_bytes = 0;          ///< of all weight files, headers included
  int64_t files = 0;               ///< weight files
  std::vector<DtypeTotal> dtypes;  ///< largest in bytes first
};

/// From the headers alone; no weight is read.
CheckpointSummary summarize(const Checkpoint& checkpoint);

/// Δ = `to` − `from` over all floating tensors that the network uses, of stored values, in double.
struct CheckpointDifference {
  int64_t step_from = 0, step_to = 0;
  double relative_change = 0;  ///< ‖Δ‖₂ / ‖θ_from‖₂; 0 where both are 0
  double largest_change = 0;   ///< max |Δ_i|
  double changed_share = 0;    ///< share of elements with Δ_i ≠ 0, from 0 to 1
  int64_t not_finite = 0;      ///< elements NaN or infinite at either end, left out of the rest
};

/// Checkpoints i and i + 1. Reads both once through the mapping, in blocks of a few KiB.
/// Pre-condition: i + 1 < series.size() (std::out_of_range).
CheckpointDifference difference(const CheckpointSeries& series, size_t i);

/// The change between any two checkpoints, over the tensors that both have in the same shape;
/// without their steps.
CheckpointDifference difference(const Checkpoint& from, const Checkpoint& to);

}  // namespace explaind
