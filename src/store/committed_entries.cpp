#include "store/committed_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"

namespace explaind {
namespace {

size_t axis_named(const StoredVariable& variable, const std::string& name) {
  return static_cast<size_t>(std::find(variable.dims.begin(), variable.dims.end(), name) -
                             variable.dims.begin());
}

/// One entry, for a variable that has no such axis.
const QueryAxis& only_entry() {
  static const QueryAxis axis{.coordinates = {},
                              .stored = 1,
                              .place = {0},
                              .share = {},
                              .kept = {},
                              .chosen = {true},
                              .group = {0},
                              .keys = {{}},
                              .how = Reduction::sum,
                              .weights = {},
                              .apart = false};
  return axis;
}

const QueryAxis& axis_or_one(const std::vector<QueryAxis>& axes, size_t a) {
  return a < axes.size() ? axes[a] : only_entry();
}

}  // namespace

CommittedEntries::CommittedEntries(const StoreReader& store, const StoredVariable& variable,
                                   const std::vector<QueryAxis>& axes)
    : segment_axis_(axis_named(variable, "segment")), sample_axis_(axis_named(variable, "sample")) {
  for (const QueryAxis& axis : axes) chosen_.push_back(axis.counts());
  if (segment_axis_ == axes.size() || !store.has("committed")) return;
  const StoredVariable committed = store.variable("committed");
  const bool per_sample = committed.dims.size() > 1;
  if (per_sample && sample_axis_ == axes.size()) return;
  segments_ = axes[segment_axis_].chosen.size();
  // Commits of whole segments are those of every sample of theirs.
  samples_ = sample_axis_ < axes.size() ? axes[sample_axis_].chosen.size() : 1;
  const size_t expected = per_sample ? segments_ * samples_ : segments_;
  const std::vector<double> marks = store.read("committed");
  if (marks.size() != expected) {
    throw DataError(store.path(),
                    fmt::format("damaged: committed has {} marks, and {} has {} units",
                                marks.size(), variable.name, expected),
                    "Copy the store again");
  }
  const QueryAxis &segment = axes[segment_axis_], &sample = axis_or_one(axes, sample_axis_);
  there_.assign(segments_ * samples_, false);
  for (size_t g = 0; g < segments_; ++g) {
    for (size_t s = 0; s < samples_; ++s) {
      if (!segment.chosen[g] || !sample.chosen[s]) continue;
      const bool here = marks[per_sample ? g * samples_ + s : g] != 0;
      there_[g * samples_ + s] = here;
      complete_ = complete_ && here;
    }
  }
  if (complete_) return;
  weigh(axes);
  count_groups(axes);
}

size_t CommittedEntries::place(const std::vector<int64_t>& index) const {
  const size_t segment =
      segment_axis_ < index.size() ? static_cast<size_t>(index[segment_axis_]) : 0;
  const size_t sample = sample_axis_ < index.size() ? static_cast<size_t>(index[sample_axis_]) : 0;
  return segment * samples_ + sample;
}

void CommittedEntries::weigh(const std::vector<QueryAxis>& axes) {
  const QueryAxis &segment = axes[segment_axis_], &sample = axis_or_one(axes, sample_axis_);
  const bool over_samples = sample.how == Reduction::mean && !sample.apart;
  const bool over_segments = segment.how == Reduction::mean && !segment.apart;
  const size_t cells = sample.cells();
  std::vector<double> samples_in(segments_ * cells, 0);         // per segment and cell
  std::vector<double> segments_in(segment.cells() * cells, 0);  // that have any of them
  for (size_t g = 0; g < segments_; ++g) {
    for (size_t s = 0; s < samples_; ++s) {
      if (!there(g, s)) continue;
      double& in_cell = samples_in[g * cells + sample.cell(s)];
      if (in_cell == 0) segments_in[segment.cell(g) * cells + sample.cell(s)] += 1;
      in_cell += 1;
    }
  }
  weights_.assign(there_.size(), 1.0);
  for (size_t g = 0; g < segments_; ++g) {
    for (size_t s = 0; s < samples_; ++s) {
      if (!there(g, s)) continue;
      double& weight = weights_[g * samples_ + s];
      if (over_samples) weight /= samples_in[g * cells + sample.cell(s)];
      if (over_segments) weight /= segments_in[segment.cell(g) * cells + sample.cell(s)];
    }
  }
}

void CommittedEntries::count_groups(const std::vector<QueryAxis>& axes) {
  const QueryAxis &segment = axes[segment_axis_], &sample = axis_or_one(axes, sample_axis_);
  std::vector<std::set<size_t>> segments(segment.keys.size() * sample.keys.size()),
      samples(segments.size());
  for (size_t g = 0; g < segments_; ++g) {
    for (size_t s = 0; s < samples_; ++s) {
      if (!there(g, s)) continue;
      const size_t row = segment.group[g] * sample.keys.size() + sample.group[s];
      segments[row].insert(g);
      samples[row].insert(s);
    }
  }
  segments_there_.assign(segment.keys.size(), std::vector<int64_t>(sample.keys.size(), 0));
  samples_there_ = segments_there_;
  for (size_t row = 0; row < segments.size(); ++row) {
    const size_t g = row / sample.keys.size(), s = row % sample.keys.size();
    segments_there_[g][s] = static_cast<int64_t>(segments[row].size());
    samples_there_[g][s] = static_cast<int64_t>(samples[row].size());
  }
}

bool CommittedEntries::any(const std::vector<size_t>& row) const {
  return complete_ || count(segment_axis_, row) > 0;
}

int64_t CommittedEntries::count(size_t a, const std::vector<size_t>& row) const {
  if (complete_ || (a != segment_axis_ && a != sample_axis_)) return chosen_[a][row[a]];
  const size_t sample = sample_axis_ < row.size() ? row[sample_axis_] : 0;
  return (a == segment_axis_ ? segments_there_ : samples_there_)[row[segment_axis_]][sample];
}

}  // namespace explaind
