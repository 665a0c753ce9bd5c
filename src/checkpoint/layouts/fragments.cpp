#include "checkpoint/layouts/fragments.hpp"

#include <algorithm>

namespace explaind {

bool is_in_fragments(const std::vector<int64_t>& saved, const std::vector<int64_t>& whole) {
  if (saved.size() != whole.size() + 1) return false;
  int64_t size = 1;
  for (size_t axis = 0; axis < whole.size(); ++axis) {
    if (saved[axis] <= 0 || whole[axis] % saved[axis] != 0) return false;
    size *= whole[axis] / saved[axis];
  }
  return saved.back() == size;
}

std::vector<ElementRun> in_fragments(const ElementRun& run, const std::vector<int64_t>& saved,
                                     const std::vector<int64_t>& whole) {
  std::vector<ElementRun> runs;
  for (int64_t at = run.first; at < run.first + run.count;) {
    // Where the element lies: its fragment's number, and its place there.
    int64_t rest = at, fragment = 0, place = 0, fragments = 1, places = 1, until = 1;
    for (size_t axis = whole.size(); axis-- > 0;) {
      const int64_t index = rest % whole[axis], size = whole[axis] / saved[axis];
      rest /= whole[axis];
      if (axis + 1 == whole.size()) until = size - index % size;  // to its fragment's edge
      fragment += index / size * fragments;
      place += index % size * places;
      fragments *= saved[axis];
      places *= size;
    }
    const int64_t count = std::min(until, run.first + run.count - at);
    const int64_t first = fragment * saved.back() + place;
    if (!runs.empty() && runs.back().first + runs.back().count == first) {
      runs.back().count += count;
    } else {
      runs.push_back({.source = run.source, .first = first, .count = count});
    }
    at += count;
  }
  return runs;
}

}  // namespace explaind
