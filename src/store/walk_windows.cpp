#include "store/walk_windows.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace explaind {
namespace {

/// Reading so many values more costs less than another call that leaves them out.
constexpr int64_t worthwhile_gap = 2048;

/// Chosen entries of an axis by their places, in the order of the axis.
std::vector<size_t> chosen_entries(const QueryAxis& axis) {
  std::vector<size_t> entries;
  for (size_t entry = 0; entry < axis.chosen.size(); ++entry) {
    if (axis.chosen[entry]) entries.push_back(entry);
  }
  return entries;
}

/// inner: values between neighbouring places of the axis that are read with them.
AxisWindow window_of(const QueryAxis& axis, std::vector<size_t> entries, int64_t inner) {
  AxisWindow window{.entries = std::move(entries), .read_at = {}, .runs = {}, .read = 0};
  std::vector<int64_t> places;
  for (const size_t entry : window.entries) {
    places.push_back(static_cast<int64_t>(axis.place[entry]));
  }
  std::vector<int64_t> sorted = places;
  std::sort(sorted.begin(), sorted.end());
  for (const int64_t place : sorted) {
    const bool joined =
        !window.runs.empty() &&
        (place - (window.runs.back().first + window.runs.back().count)) * inner <= worthwhile_gap;
    if (!joined) window.runs.push_back({.first = place, .count = 0, .at = window.read});
    PlaceRun& run = window.runs.back();
    run.count = place + 1 - run.first;
    window.read = run.at + run.count;
  }
  for (const int64_t place : places) {
    const auto run = std::prev(
        std::upper_bound(window.runs.begin(), window.runs.end(), place,
                         [](int64_t value, const PlaceRun& each) { return value < each.first; }));
    window.read_at.push_back(static_cast<size_t>(run->at + place - run->first));
  }
  return window;
}

/// Windows of `extent` places each, counted from the axis' first.
std::vector<AxisWindow> cut(const QueryAxis& axis, int64_t extent, int64_t inner) {
  std::vector<AxisWindow> windows;
  std::vector<size_t> entries;
  int64_t block = 0;
  for (const size_t entry : chosen_entries(axis)) {
    const int64_t here = static_cast<int64_t>(axis.place[entry]) / extent;
    if (here != block && !entries.empty()) {
      windows.push_back(window_of(axis, std::exchange(entries, {}), inner));
    }
    block = here;
    entries.push_back(entry);
  }
  if (!entries.empty()) windows.push_back(window_of(axis, std::move(entries), inner));
  return windows;
}

/// Places that a selection spans at most: what is read of an axis that is read whole.
int64_t spanned(const QueryAxis& axis) {
  const std::vector<AxisWindow> whole = cut(axis, static_cast<int64_t>(axis.stored), 1);
  return whole.empty() ? 1 : std::max<int64_t>(1, whole.front().read);
}

}  // namespace

std::vector<std::vector<AxisWindow>> windows_of(const std::vector<QueryAxis>& axes,
                                                const std::vector<int64_t>& chunk, int64_t most) {
  const auto unit_of = [&](size_t a) { return chunk.empty() ? 1 : std::max<int64_t>(1, chunk[a]); };
  int64_t ahead = 1;  // values of a chunk along the axes before
  for (size_t a = 0; a < axes.size(); ++a) ahead *= unit_of(a);
  int64_t inner = 1;     // values of a block along the axes behind
  int64_t distance = 1;  // stored values between neighbouring places
  bool open = true;      // all axes behind are in the block whole
  std::vector<std::vector<AxisWindow>> windows(axes.size());
  for (size_t a = axes.size(); a-- > 0;) {
    const int64_t stored = std::max<int64_t>(1, static_cast<int64_t>(axes[a].stored));
    const int64_t unit = unit_of(a);
    ahead /= unit;
    const int64_t room = most / inner / ahead;
    int64_t extent = std::min(unit, most / inner);
    if (open && spanned(axes[a]) <= room) {
      extent = stored;
    } else if (open) {
      extent = std::max(extent, room / unit * unit);
      open = false;
    }
    windows[a] = cut(axes[a], std::clamp<int64_t>(extent, 1, stored), distance);
    int64_t widest = 1;
    for (const AxisWindow& each : windows[a]) widest = std::max(widest, each.read);
    inner *= widest;
    distance *= stored;
  }
  return windows;
}

}  // namespace explaind
