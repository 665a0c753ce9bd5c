#pragma once
// What plan says of more and more ranks.

#include <vector>

#include "job/job.hpp"

namespace explaind {

/// A line for each number of ranks, then what was assumed. measuring: ranks that measured at once.
void print_scaling(const std::vector<ScalingRow>& rows, const PlannedNodes& nodes, int measuring);

}  // namespace explaind
