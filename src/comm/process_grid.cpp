#include "comm/process_grid.hpp"

#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// The number of groups, once the shape is possible.
int groups_of(int ranks, int shards, int segment_groups) {
  if (ranks % shards != 0) {
    throw UsageError(
        "--shards",
        counted(ranks, "rank") + " cannot be divided into groups of " + std::to_string(shards),
        "Start a multiple of it");
  }
  if (segment_groups > 0 && shards * segment_groups != ranks) {
    throw UsageError("--segment-groups",
                     counted(segment_groups, "group") + " of " + counted(shards, "rank") + " are " +
                         counted(shards * segment_groups, "rank") + ", not " +
                         std::to_string(ranks),
                     "Start so many, or leave the key out");
  }
  return ranks / shards;
}

}  // namespace

ProcessGrid::ProcessGrid(const Communicator& world, int shards, int segment_groups)
    : segment_groups_(groups_of(world.size(), shards, segment_groups)),
      group_(world.split(world.rank() / shards)) {}

}  // namespace explaind
