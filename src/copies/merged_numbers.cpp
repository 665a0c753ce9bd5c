#include "copies/merged_numbers.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

/// Samples that a unit of a run's store and one of the merged store have in common.
int64_t shared_samples(const Unit& theirs, const Unit& ours, int64_t first_sample) {
  return std::max<int64_t>(0, std::min(theirs.sample_end + first_sample, ours.sample_end) -
                                  std::max(theirs.sample_begin + first_sample, ours.sample_begin));
}

}  // namespace

std::vector<double> merged_seconds(const std::vector<MergeSource>& sources, const MergeAxis& axis,
                                   const UnitGrid& units) {
  const bool samples = axis.name == "sample";
  std::vector<double> seconds(static_cast<size_t>(units.size()), 0.0);
  for (const MergedRun& run : axis.runs) {
    const UnitGrid& grid = sources[run.source].shape.units;
    const std::vector<double> stored = sources[run.source].store.read("seconds");
    for (int64_t index = 0; index < grid.size(); ++index) {
      const Unit theirs = grid.unit(index);
      if (!samples && (theirs.segment < run.first || theirs.segment >= run.first + run.count)) {
        continue;
      }
      const int64_t segment = samples ? theirs.segment : theirs.segment - run.first + run.place;
      const int64_t size = theirs.sample_end - theirs.sample_begin;
      for (int64_t chunk = 0; chunk < units.per_segment(); ++chunk) {
        const Unit ours = units.unit(segment * units.per_segment() + chunk);
        const int64_t shared = shared_samples(theirs, ours, samples ? run.place : 0);
        if (shared == 0) continue;
        const double time = stored[static_cast<size_t>(index)];
        seconds[static_cast<size_t>(ours.index)] +=
            shared == size ? time : time * static_cast<double>(shared) / static_cast<double>(size);
      }
    }
  }
  return seconds;
}

StepCurve merged_curve(const std::vector<MergeSource>& sources) {
  std::map<std::pair<int64_t, int64_t>, double> changes;
  for (const MergeSource& source : sources) {
    const std::vector<int64_t> from = source.store.numbers("interval_from"),
                               to = source.store.numbers("interval_to");
    const std::vector<double> change = source.store.read("interval_change");
    for (size_t i = 0; i < change.size(); ++i) changes[{from.at(i), to.at(i)}] += change[i];
    if (changes.size() == change.size()) continue;
    throw DataError(source.name(),
                    "has other intervals of its series than " + sources.front().name(),
                    "Merge stores of the same series");
  }
  std::vector<int64_t> steps;
  std::vector<double> change;
  for (const auto& [ends, value] : changes) {
    steps.push_back(ends.first);
    change.push_back(value);
  }
  if (!changes.empty()) steps.push_back(changes.rbegin()->first.second);
  return step_curve(steps, change);
}

}  // namespace explaind
