#include "app/coordinate_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace explaind {
namespace {

std::string numbers_in_words(const Coordinate& coordinate) {
  constexpr size_t listed = 12;
  std::set<int64_t> distinct;
  for (const std::string& value : coordinate.values) distinct.insert(std::stoll(value));
  if (distinct.size() <= listed) return fmt::format("{}", fmt::join(distinct, ", "));
  return fmt::format("{} to {}, {} different", *distinct.begin(), *distinct.rbegin(),
                     distinct.size());
}

std::string texts_in_words(const Coordinate& coordinate) {
  constexpr size_t most = 40, room = 200;  // texts, bytes
  std::vector<std::string> order;
  std::map<std::string, size_t> counts;
  for (const std::string& value : coordinate.values) {
    if (counts[value]++ == 0) order.push_back(value);
  }
  std::string text;
  size_t listed = 0;
  for (; listed < std::min(most, order.size()) && text.size() < room; ++listed) {
    const std::string& each = order[listed];
    text += fmt::format("{}{}{}", listed == 0 ? "" : ", ", each.empty() ? "''" : each,
                        counts[each] > 1 ? fmt::format(" ({})", counts[each]) : "");
  }
  if (order.size() > listed) text += fmt::format(", … and {} more", order.size() - listed);
  return text;
}

}  // namespace

std::string in_words(const Coordinate& coordinate) {
  return coordinate.number ? numbers_in_words(coordinate) : texts_in_words(coordinate);
}

}  // namespace explaind
