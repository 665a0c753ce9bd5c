#pragma once
// Series whose config.json changes between checkpoints: they are cut there, or bridged.

#include <cstddef>
#include <vector>

#include "job/checkpoint_values.hpp"
#include "job/control.hpp"
#include "job/problem.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// The points at which the networks of a series begin, but for the first one's; of a run none.
std::vector<size_t> network_changes(const Subject& subject);

/// A bridge begins with the earlier weights under the later config: they must be all it needs.
/// Throws UsageError where they are not, and where nothing changes.
void require_bridges(const Problem& problem);

/// Adds to the problem's notes what a cut leaves out, or what is bridged.
void say_cuts(Problem& problem);

/// Per sample and output: ΔF over the neighbours that a cut parts within the chosen segments, each
/// under its own network. Empty where none does. @collective over the ranks
std::vector<double> changes_across_cuts(const Problem& problem,
                                        const std::vector<PointPair>& chosen,
                                        const MemoryPlan& memory, const Ranks& ranks,
                                        const Control& control);

/// Segment, sample: F at the beginning of each straight piece under the network of its end, less F
/// under its own, added up over the pieces. Empty where no piece has two networks. @collective over
/// the ranks
std::vector<double> changes_of_configs(const Problem& problem, const MemoryPlan& memory,
                                       const Ranks& ranks, const Control& control);

}  // namespace explaind
