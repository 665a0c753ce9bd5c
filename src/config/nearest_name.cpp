#include "config/nearest_name.hpp"

#include <algorithm>

namespace explaind {
namespace {

/// Letters to change, add, leave out or swap with their neighbour.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> of(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = 0; i <= a.size(); ++i) of[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) of[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = of[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      of[i][j] = std::min({replaced, of[i - 1][j] + 1, of[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        of[i][j] = std::min(of[i][j], of[i - 2][j - 2] + 1);
      }
    }
  }
  return of[a.size()][b.size()];
}

}  // namespace

std::string suggestion(const std::string& name, const std::vector<std::string>& known,
                       const std::string& otherwise) {
  const auto distance = [&](const std::string& each) {
    const bool begins = name.size() > 2 && each.starts_with(name);
    return begins ? size_t{1} : edit_distance(name, each);
  };
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](auto& a, auto& b) { return distance(a) < distance(b); });
  const size_t most = std::clamp<size_t>(name.size() / 3, 1, 3);
  if (nearest == known.end() || distance(*nearest) > most) return otherwise;
  return "Did you mean " + *nearest + "?";
}

}  // namespace explaind
