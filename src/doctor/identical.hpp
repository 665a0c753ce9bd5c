#pragma once
// Weights that are byte for byte those of another step.

#include <vector>

#include "doctor/finding.hpp"
#include "doctor/segment_lengths.hpp"

namespace explaind {

/// Whole checkpoints, single files of several, and tensors that stood still where they should have
/// moved, or came back. Where the neighbours say which of two is out of its place, the finding is
/// of that one; else of both. What never changes in the series is none.
std::vector<Finding> find_identical(const std::vector<ExaminedCheckpoint>& checkpoints,
                                    const PassTable& table, const std::vector<Mover>& movers);

}  // namespace explaind
