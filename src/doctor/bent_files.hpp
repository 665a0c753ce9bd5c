#pragma once
// Files whose weights bend at a checkpoint as those of the other files do not.

#include <vector>

#include "doctor/kind_ratios.hpp"
#include "doctor/suspect.hpp"

namespace explaind {

/// A foreign file makes the way into its checkpoint longer and the way out shorter, or the other
/// way round: the ratio D of all its tensors jumps at that checkpoint, and at the neighbours the
/// other way. The bend of a tensor is D less the mean of D at both neighbours. Schedules and
/// warm-up change D slowly, gaps between steps bend all files alike, and both drop out of the
/// difference between the file's tensors and those of their kinds elsewhere.
std::vector<Suspect> bent_files(const KindRatios& ratios,
                                const std::vector<ExaminedCheckpoint>& checkpoints, int files);

}  // namespace explaind
