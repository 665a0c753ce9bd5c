#include "comm/alike.hpp"

#include <fmt/format.h>

#include <vector>

#include "core/error.hpp"

namespace explaind {

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
