#pragma once
// What every segment's contributions are made of.

#include <Eigen/Core>

#include "discovery/step_test.hpp"
#include "discovery/trajectories.hpp"

namespace explaind {

/// Segments that a shift takes, and those on either side of it: with fewer no order is rare enough.
inline constexpr size_t fewest_segments = 10;
inline constexpr Eigen::Index fewest_on_a_side = 3;

/// Per segment the mean contributions over samples, each over the sum of their sizes: signed
/// shares, whose sizes add up to 1. So a training that slows down keeps its mix. Segment, part.
inline Series mixes_of(const Trajectories& trajectories) {
  const auto segments = static_cast<Eigen::Index>(trajectories.segments());
  const auto parts = static_cast<Eigen::Index>(trajectories.parts.size());
  const std::vector<double> means = trajectories.means();
  Series mixes = Eigen::Map<const Series>(means.data(), segments, parts);
  for (Eigen::Index s = 0; s < segments; ++s) {
    const double size = mixes.row(s).cwiseAbs().sum();
    if (size > 0) mixes.row(s) /= size;
  }
  return mixes;
}

}  // namespace explaind
