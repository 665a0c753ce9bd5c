#include "path/path_values.hpp"

#include <algorithm>
#include <cmath>

namespace explaind {

std::vector<double> CheckpointValues::changes() const {
  std::vector<double> changes(steps.size() - 1, 0.0);
  for (size_t i = 0; i < changes.size(); ++i) {
    for (size_t s = 0; s < samples; ++s) changes[i] += std::abs(at(i + 1, s) - at(i, s));
  }
  return changes;
}

std::vector<double> CheckpointValues::left_out(const std::vector<PointPair>& pairs) const {
  std::vector<double> left(samples);
  for (size_t s = 0; s < samples; ++s) {
    left[s] = at(steps.size() - 1, s) - at(0, s);
    for (const PointPair& pair : pairs) left[s] -= at(pair.to, s) - at(pair.from, s);
  }
  return left;
}

std::vector<double> in_path_order(const std::vector<std::vector<double>>& parts, size_t shards,
                                  size_t points, size_t samples) {
  std::vector<double> values(points * samples);
  const size_t groups = parts.size() / shards;
  for (size_t i = 0; i < points; ++i) {
    const double* row = parts[i % groups * shards].data() + i / groups * samples;
    std::copy_n(row, samples, values.data() + i * samples);
  }
  return values;
}

}  // namespace explaind
