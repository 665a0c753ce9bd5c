#include "machine/likeness.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <sstream>
#include <vector>

#include "core/error.hpp"
#include "machine/build_id.hpp"
#include "machine/instruction_set.hpp"

namespace explaind {

Likeness own_likeness() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return {.host = name.data(), .build = build_id(), .instructions = instruction_set()};
}

std::string only_in(const std::string& first, const std::string& second) {
  const auto items_of = [](const std::string& list) {
    std::set<std::string> items;
    std::istringstream in(list);
    for (std::string item; std::getline(in >> std::ws, item, ',');) items.insert(item);
    return items;
  };
  const std::set<std::string> all = items_of(first), known = items_of(second);
  std::vector<std::string> only;
  std::set_difference(all.begin(), all.end(), known.begin(), known.end(), std::back_inserter(only));
  return only.empty() ? "none of that" : fmt::format("{}", fmt::join(only, ", "));
}

Unlike unlike(const Likeness& begun, const Likeness& now) {
  const auto differ = [](const std::string& one, const std::string& other) {
    return !one.empty() && !other.empty() && one != other;
  };
  return {.build = differ(begun.build, now.build),
          .instructions = differ(begun.instructions, now.instructions)};
}

void require_going_on(const std::string& path, const Likeness& begun, const Likeness& now,
                      bool other_build) {
  const Unlike found = unlike(begun, now);
  if (!found.any() || other_build) return;
  std::vector<std::string> differences, cures;
  if (found.build) {
    differences.push_back(
        fmt::format("it was begun by another build of the program ({:.8} on {}; "
                    "this is {:.8} on {})",
                    begun.build, begun.host, now.build, now.host));
    cures.emplace_back("with the program that began it");
  }
  if (found.instructions) {
    differences.push_back(
        fmt::format("it was begun on a processor that adds in another order ({} has {}; {} has {})",
                    begun.host, only_in(begun.instructions, now.instructions), now.host,
                    only_in(now.instructions, begun.instructions)));
    cures.push_back("on a machine like " + begun.host +
                    ", with ATEN_CPU_CAPABILITY and the like as there");
  }
  throw DataError(path,
                  fmt::format("what is left would not be computed to the same bits: {}",
                              fmt::join(differences, ", and ")),
                  fmt::format("Go on {}; or give --other-build: what is there is kept, and the "
                              "rest is computed as here; or begin anew with --overwrite",
                              fmt::join(cures, " and ")));
}

}  // namespace explaind
