#include "copies/chunk_extents.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace explaind {
namespace {

/// The largest edge whose power is not above: rounding of the root may miss it by one.
uint64_t root_of(uint64_t entries, size_t axes) {
  auto edge = static_cast<uint64_t>(
      std::pow(static_cast<double>(entries), 1.0 / static_cast<double>(axes)));
  const auto fits = [&](uint64_t candidate) {
    uint64_t left = entries;
    for (size_t i = 0; i < axes; ++i) left /= candidate;
    return left > 0;
  };
  if (fits(edge + 1)) ++edge;
  while (edge > 1 && !fits(edge)) --edge;
  return std::max<uint64_t>(1, edge);
}

}  // namespace

std::vector<uint64_t> chunk_extents(const std::vector<uint64_t>& shape, uint64_t width) {
  std::vector<size_t> shortest_first(shape.size());
  std::iota(shortest_first.begin(), shortest_first.end(), size_t{0});
  std::stable_sort(shortest_first.begin(), shortest_first.end(),
                   [&](size_t a, size_t b) { return shape[a] < shape[b]; });
  std::vector<uint64_t> extents(shape.size(), 1);
  uint64_t entries = std::max<uint64_t>(1, largest_chunk / width);
  for (size_t i = 0; i < shortest_first.size(); ++i) {
    const size_t axis = shortest_first[i];
    const uint64_t most = std::min(shape[axis], root_of(entries, shape.size() - i));
    const uint64_t chunks = (shape[axis] + most - 1) / most;
    extents[axis] = (shape[axis] + chunks - 1) / chunks;
    entries = std::max<uint64_t>(1, entries / extents[axis]);
  }
  return extents;
}

}  // namespace explaind
