#pragma once
// What files and sums say outright: changes along the series, gaps, weights that are no numbers.

#include <vector>

#include "doctor/finding.hpp"
#include "doctor/weight_pass.hpp"

namespace explaind {

/// dtype_change, config_change, tokenizer_change and tensor_change. Where one checkpoint differs
/// and its neighbours agree, the finding is of it; else of the first that is different from then
/// on.
std::vector<Finding> find_changes(const std::vector<ExaminedCheckpoint>& checkpoints);

/// step_gap, of the checkpoint after the gap: steps are evenly spaced on both sides of it, or grow
/// by one factor, and it is a multiple of that.
std::vector<Finding> find_gaps(const std::vector<ExaminedCheckpoint>& checkpoints);

/// not_finite.
std::vector<Finding> find_bad_weights(const std::vector<ExaminedCheckpoint>& checkpoints,
                                      const PassTable& table);

}  // namespace explaind
