#include "comm/process_grid.hpp"

#include <string>

#include "core/error.hpp"

namespace explaind {
namespace {

/// The number of groups, once the shape is possible.
int groups_of(int ranks, int shards, int segment_groups) {
  if (ranks % shards != 0) {
    throw UsageError(
        "--shards",
        std::to_string(ranks) + " ranks cannot be divided into groups of " + std::to_string(shards),
        "Start a multiple of it");
  }
  if (segment_groups > 0 && shards * segment_groups != ranks) {
    throw UsageError("--segment-groups",
                     std::to_string(segment_groups) + " groups of " + std::to_string(shards) +
                         " ranks are " + std::to_string(shards * segment_groups) + " ranks, not " +
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
