#include "comm/alike.hpp"

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
namespace {

/// What the first list has that the second lacks; items are between commas.
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

}  // namespace

Likeness own_likeness() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return {.host = name.data(), .build = build_id(), .instructions = instruction_set()};
}

void require_alike(const Communicator& world, const Likeness& mine) {
  const std::vector<std::string> hosts = world.all_gather(mine.host),
                                 builds = world.all_gather(mine.build),
                                 instructions = world.all_gather(mine.instructions);
  for (size_t rank = 1; rank < hosts.size(); ++rank) {
    if (builds[rank] != builds[0]) {
      throw DataError(
          "ranks",
          fmt::format("rank 0 on {} and rank {} on {} run two builds of the program ({:.8} and "
                      "{:.8})",
                      hosts[0], rank, hosts[rank], builds[0], builds[rank]),
          "Install one build on all nodes, or name the program by a path that all of them share");
    }
    if (instructions[rank] != instructions[0]) {
      throw DataError(
          "ranks",
          fmt::format("their processors add in another order: rank 0 on {} has {}, "
                      "rank {} on {} has {}",
                      hosts[0], only_in(instructions[0], instructions[rank]), rank, hosts[rank],
                      only_in(instructions[rank], instructions[0])),
          "Take nodes of one kind (Slurm: --constraint), or set ATEN_CPU_CAPABILITY and "
          "the like alike on all");
    }
  }
}

}  // namespace explaind
