#pragma once
// How far tensors move from checkpoint to checkpoint, as the tests of neighbours read it.

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "doctor/weight_pass.hpp"

namespace explaind {

/// Of what says nothing.
inline constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

/// A matrix large enough to have a trend, over all checkpoints.
///
/// Ratios are D(j) = log|Δ into j| − log|Δ out of j|, NaN where one of them says nothing: at the
/// ends, where the tensor is missing, or where it hardly moved (few stored numbers changed). Gaps
/// between steps, learning rates and warm-up are the same for all tensors and drop out of their
/// differences.
struct Mover {
  std::string name, kind;      ///< kind: the name with its numbers taken out
  std::string layer;           ///< the name up to its first number; empty where it has none
  std::vector<int> file;       ///< per checkpoint: number of its file's name; −1: not there
  std::vector<double> length;  ///< per checkpoint: |Δ| into it; NaN: none
  std::vector<double> share;   ///< per checkpoint: of its elements that changed on the way into it
  std::vector<double> cosine;  ///< per checkpoint: between the way in and the way out; NaN: none
  std::vector<double> ratio;   ///< per checkpoint: D
};

/// Tensors of at least two axes and 512 elements, in name order; and the files' names by number.
std::vector<Mover> movers_of(const std::vector<ExaminedCheckpoint>& checkpoints,
                             const PassTable& table, std::vector<std::string>& files);

/// Of what is finite; NaN where nothing is.
double median(std::vector<double> values);

}  // namespace explaind
