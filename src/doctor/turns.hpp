#pragma once
// Weights from beyond both neighbours: the way there is the way back.

#include <cstddef>
#include <vector>

#include "doctor/excess_lengths.hpp"

namespace explaind {

/// Checkpoints that turn back as a whole, and none beside another: the way back may turn into the
/// next as sharply, but only at the foreign one are both ways long.
std::vector<size_t> turning_checkpoints(const std::vector<Mover>& movers, size_t checkpoints);

/// Files and tensors that turn back where the others do not.
std::vector<Suspect> turned_back(const KindRatios& ratios, const ExcessLengths& lengths);

}  // namespace explaind
