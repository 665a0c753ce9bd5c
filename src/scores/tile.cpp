#include "scores/tile.hpp"

#include <algorithm>
#include <sstream>

#include "core/error.hpp"

namespace explaind {

Axes parse_axes(const std::string& list) {
  Axes axes{.sample = false};
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == "sample") {
      axes.sample = true;
    } else if (word == "group") {
      axes.group = true;
    } else if (word == "position") {
      axes.position = true;
    } else if (word == "output") {
      axes.output = true;
    } else if (word == "train_sample") {
      axes.train_sample = true;
    } else if (word == "train_group") {
      axes.train_group = true;
    } else if (word != "segment" && word != "component") {
      throw UsageError(
          "--axes", "unknown axis '" + word + "'",
          "Use a comma list of: segment, component, sample or group, position, output, "
          "train_sample or train_group");
    }
  }
  if (axes.sample && axes.group) {
    throw UsageError("--axes", "sample and group exclude each other",
                     "A group's score is the mean or sum of its samples (--group-reduce)");
  }
  if (axes.train_sample && axes.train_group) {
    throw UsageError("--axes", "train_sample and train_group exclude each other",
                     "A group's influence is the sum of its samples': query sums them");
  }
  return axes;
}

UnitGrid::UnitGrid(int64_t segments, int64_t samples, int64_t chunk, bool keep_sample)
    : segments_(segments),
      samples_(samples),
      chunk_(keep_sample ? std::min(chunk, samples) : samples) {
  per_segment_ = (samples_ + chunk_ - 1) / chunk_;
}

Unit UnitGrid::unit(int64_t index) const {
  const int64_t begin = index % per_segment_ * chunk_;
  return {.index = index,
          .segment = index / per_segment_,
          .sample_begin = begin,
          .sample_end = std::min(begin + chunk_, samples_)};
}

}  // namespace explaind
