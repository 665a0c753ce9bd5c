#pragma once
// Which segments of the series a run decomposes.

#include "job/checkpoint_values.hpp"
#include "job/control.hpp"
#include "job/problem.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// Applies the question's choice of steps to the problem's trajectory and units.
///
/// Where the choice depends on F (top), or leaves something out (drop), F of every sample is
/// computed at every checkpoint first; how much of |ΔF| how many segments hold is said by rank 0
/// and kept as the problem's curve. Where the network of a series changes, F is computed at both
/// ends of what a cut leaves out, or of where a bridge begins. Throws UsageError and DataError as
/// select_segments does.
/// @collective over the ranks
void choose_steps(Problem& problem, const MemoryPlan& memory, const Ranks& ranks,
                  const Control& control);

}  // namespace explaind
