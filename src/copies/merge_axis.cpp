#include "copies/merge_axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

std::string steps_of(const StoreShape& shape) {
  return fmt::format("{} from step {} to {}", counted(shape.segments, "segment"),
                     shape.step_from.front(), shape.step_to.back());
}

bool same_segments(const MergeSource& one, const MergeSource& other) {
  return one.shape.step_from == other.shape.step_from && one.shape.step_to == other.shape.step_to;
}

/// Entry by entry, in the order of the stores.
std::vector<MergedRun> one_after_another(const std::vector<int64_t>& sizes) {
  std::vector<MergedRun> runs;
  int64_t place = 0;
  for (size_t source = 0; source < sizes.size(); ++source) {
    runs.push_back({.source = source, .first = 0, .count = sizes[source], .place = place});
    place += sizes[source];
  }
  return runs;
}

/// Names of all stores, each once.
void require_apart(const std::vector<MergeSource>& sources, const std::string& what,
                   const std::vector<std::vector<std::string>>& names, const std::string& remedy) {
  std::map<std::string, size_t> first;
  for (size_t source = 0; source < sources.size(); ++source) {
    for (const std::string& name : names[source]) {
      const auto [known, is_new] = first.emplace(name, source);
      if (is_new || known->second == source) continue;
      throw DataError(
          sources[source].name(),
          fmt::format("{} '{}' is in {} too", what, name, sources[known->second].name()), remedy);
    }
  }
}

void join_samples(const std::vector<MergeSource>& sources, MergeAxis& axis) {
  axis.name = "sample";
  std::vector<int64_t> sizes;
  std::vector<std::vector<std::string>> ids;
  for (const MergeSource& source : sources) {
    sizes.push_back(source.shape.samples);
    ids.push_back(source.shape.ids);
    axis.size += source.shape.samples;
  }
  require_apart(sources, "sample", ids, "Merge stores of different samples");
  axis.runs = one_after_another(sizes);
  const StoreShape& first = sources.front().shape;
  if (!first.of_samples && !first.of_groups) {
    throw DataError(sources.front().name(),
                    "keeps no axis sample or group: its scores are of all its samples together",
                    "Decompose with --axes sample, or --axes group");
  }
  if (!first.of_groups) return;
  std::vector<std::vector<std::string>> names;
  std::vector<int64_t> groups;
  for (const MergeSource& source : sources) {
    names.push_back(source.store.texts("group"));
    groups.push_back(source.shape.groups);
    axis.groups += source.shape.groups;
  }
  require_apart(sources, "group", names,
                "A group's scores are of its own samples and cannot be joined: decompose with "
                "--axes sample, merge, and group when you query");
  axis.group_runs = one_after_another(groups);
}

/// A segment of one of the stores.
struct Placed {
  int64_t from = 0, to = 0;
  size_t source = 0;
  int64_t place = 0;  ///< in its store
};

std::vector<Placed> in_order_of_steps(const std::vector<MergeSource>& sources) {
  std::vector<Placed> segments;
  for (size_t source = 0; source < sources.size(); ++source) {
    const StoreShape& shape = sources[source].shape;
    for (int64_t i = 0; i < shape.segments; ++i) {
      const auto at = static_cast<size_t>(i);
      segments.push_back({shape.step_from[at], shape.step_to[at], source, i});
    }
  }
  std::stable_sort(segments.begin(), segments.end(), [](const Placed& a, const Placed& b) {
    return a.from != b.from ? a.from < b.from : a.to < b.to;
  });
  return segments;
}

void join_segments(const std::vector<MergeSource>& sources, MergeAxis& axis) {
  axis.name = "segment";
  const std::vector<Placed> segments = in_order_of_steps(sources);
  axis.size = static_cast<int64_t>(segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    const Placed& here = segments[i];
    if (i > 0 && here.from < segments[i - 1].to) {
      const Placed& before = segments[i - 1];
      throw DataError(
          sources[here.source].name(),
          fmt::format("its segment of steps {} to {} overlaps that of steps {} to {} "
                      "in {}",
                      here.from, here.to, before.from, before.to, sources[before.source].name()),
          "Merge stores of different segments");
    }
    if (i > 0 && here.from > segments[i - 1].to) {
      axis.gaps.push_back(
          fmt::format("no store has steps {} to {}", segments[i - 1].to, here.from));
    }
    const bool goes_on = !axis.runs.empty() && axis.runs.back().source == here.source &&
                         axis.runs.back().first + axis.runs.back().count == here.place;
    if (goes_on) {
      ++axis.runs.back().count;
    } else {
      axis.runs.push_back({.source = here.source,
                           .first = here.place,
                           .count = 1,
                           .place = static_cast<int64_t>(i)});
    }
  }
}

int64_t longest_position(const std::vector<MergeSource>& sources) {
  int64_t longest = 0;
  for (const MergeSource& source : sources) {
    const StoredVariable psi = source.store.variable("psi");
    for (size_t i = 0; i < psi.dims.size(); ++i) {
      if (psi.dims[i] == "position") longest = std::max(longest, psi.shape[i]);
    }
  }
  return longest;
}

}  // namespace

MergeAxis merge_axis(const std::vector<MergeSource>& sources) {
  MergeAxis axis;
  const MergeSource& first = sources.front();
  const auto all = [&](auto same) {
    return std::all_of(sources.begin() + 1, sources.end(),
                       [&](const MergeSource& each) { return same(first, each); });
  };
  if (all(same_segments)) {
    join_samples(sources, axis);
  } else if (all([](const MergeSource& one, const MergeSource& other) {
               return one.shape.ids == other.shape.ids;
             })) {
    join_segments(sources, axis);
  } else {
    const auto other = std::find_if(sources.begin() + 1, sources.end(),
                                    [&](const auto& each) { return !same_segments(first, each); });
    throw DataError(other->name(),
                    fmt::format("has neither the segments nor the samples of {}: {} and {}, {} and "
                                "{} samples",
                                first.name(), steps_of(other->shape), steps_of(first.shape),
                                other->shape.samples, first.shape.samples),
                    "Merge stores of the same segments, or of the same samples");
  }
  axis.positions = longest_position(sources);
  return axis;
}

}  // namespace explaind
