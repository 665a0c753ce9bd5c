#pragma once
// F at every point of a path, and what it says of the segments between them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "path/trajectory.hpp"

namespace explaind {

/// F of S samples, or of all outputs of them, at the N + 1 points of a path.
struct CheckpointValues {
  std::vector<int64_t> steps;  ///< N + 1
  size_t samples = 0;          ///< S
  std::vector<double> values;  ///< N + 1, S, in F's unit

  [[nodiscard]] double at(size_t checkpoint, size_t sample) const {
    return values[checkpoint * samples + sample];
  }
  /// Σ over samples of |ΔF| of each segment between neighbours: N.
  [[nodiscard]] std::vector<double> changes() const;
  /// What the pairs leave out, per sample: the whole change less that of the pairs. S.
  [[nodiscard]] std::vector<double> left_out(const std::vector<PointPair>& pairs) const;
};

/// Puts together what segment groups computed: group g of G has points g, g + G, …, S values each.
/// parts: of every rank, in rank order; the first rank of each group, which
/// has `shards` of them, speaks for it. Returns `points` S values.
std::vector<double> in_path_order(const std::vector<std::vector<double>>& parts, size_t shards,
                                  size_t points, size_t samples);

}  // namespace explaind
