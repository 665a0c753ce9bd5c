#pragma once
// The small variables of a merged store that are not copied but computed.

#include <vector>

#include "copies/merge_axis.hpp"
#include "copies/merge_source.hpp"
#include "scores/step_curve.hpp"
#include "scores/tile.hpp"

namespace explaind {

/// Per unit of the merged store the time that it took: a unit that was divided otherwise in its
/// store counts by its samples.
std::vector<double> merged_seconds(const std::vector<MergeSource>& sources, const MergeAxis& axis,
                                   const UnitGrid& units);

/// The changes of all the series' intervals, added up over the stores' samples and ranked anew.
/// Throws DataError where the stores have other intervals.
StepCurve merged_curve(const std::vector<MergeSource>& sources);

}  // namespace explaind
