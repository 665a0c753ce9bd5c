#include "core/nearest_name.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace explaind {
namespace {

/// Letters to change, add, leave out or swap with their neighbour. Three rows of the table are
/// kept.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before, last(b.size() + 1), here(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    here[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      here[j] = std::min({replaced, last[j] + 1, here[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        here[j] = std::min(here[j], before[j - 2] + 1);
      }
    }
    before = std::move(last);
    last = here;
  }
  return last[b.size()];
}

size_t distance(const std::string& name, const std::string& known) {
  const bool begins = name.size() > 2 && known.starts_with(name);
  return begins ? size_t{1} : edit_distance(name, known);
}

}  // namespace

std::vector<std::string> nearest_names(const std::string& name,
                                       const std::vector<std::string>& known, size_t most) {
  const size_t limit = std::clamp<size_t>(name.size() / 3, 1, 3);
  std::vector<std::pair<size_t, std::string>> near;
  std::set<std::string> seen;
  for (const std::string& each : known) {
    const size_t shorter = std::min(each.size(), name.size()),
                 longer = std::max(each.size(), name.size());
    const bool hopeless = longer - shorter > limit && !each.starts_with(name);
    if (hopeless || !seen.insert(each).second) continue;
    const size_t apart = distance(name, each);
    if (apart <= limit) near.emplace_back(apart, each);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(most, near.size()); ++i) names.push_back(near[i].second);
  return names;
}

std::string suggestion(const std::string& name, const std::vector<std::string>& known,
                       const std::string& otherwise) {
  const std::vector<std::string> nearest = nearest_names(name, known, 1);
  return nearest.empty() ? otherwise : "Did you mean " + nearest.front() + "?";
}

}  // namespace explaind
