#include "planner/scaling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/counted.hpp"

namespace explaind {
namespace {

constexpr double enough = 0.8;  ///< of efficiency, to ask for no reason

/// Rank-seconds that are lost to each limit, and its words.
using Losses = std::vector<std::pair<double, std::string>>;

Losses losses_of(const ScalingShape& shape, const SimulatedRun& run) {
  const auto shards = static_cast<double>(shape.shards);
  const int64_t groups = shape.ranks / shape.shards;
  const auto units = static_cast<int64_t>(shape.work.units.size());
  return {{shards * run.idle,
           fmt::format("units: {} for {}", units,
                       shape.shards == 1 ? counted(groups, "rank") : counted(groups, "group"))},
          {shards * run.asking, fmt::format("dispatcher: {} requests", run.requests)},
          {shards * run.reading, "reading: a node's ranks wait for its files"},
          {shards * run.gathering, "gathering: ranks wait for each other's weights"},
          {shards * run.computing - shape.units_alone,
           fmt::format("micro-batches: a unit has too few for {}", counted(shape.shards, "rank"))},
          {static_cast<double>(shape.ranks) * shape.before - shape.before_alone,
           "forming: of optimizer steps, beforehand"}};
}

}  // namespace

std::vector<int64_t> doubling(int64_t ranks, int64_t step) {
  std::vector<int64_t> numbers;
  for (int64_t each = step; each < ranks; each *= 2) numbers.push_back(each);
  numbers.push_back(ranks);
  return numbers;
}

std::vector<ScalingRow> scaling_rows(const std::vector<ScalingShape>& shapes,
                                     const SimulatedPlace& place) {
  std::vector<ScalingRow> rows;
  for (const ScalingShape& shape : shapes) {
    SimulatedPlace here = place;
    here.groups = shape.ranks / shape.shards;
    here.shards = shape.shards;
    const SimulatedRun run = simulate_dispatch(shape.work, here);
    ScalingRow& row = rows.emplace_back();
    row.ranks = shape.ranks;
    row.nodes = (shape.ranks - 1) / place.ranks_of_node + 1;
    row.seconds = shape.before + run.seconds;
    row.memory = shape.memory;
    row.memory_of_node = shape.memory * std::min(shape.ranks, place.ranks_of_node);
    row.bytes_read = run.bytes_read;
    row.bytes_between = run.bytes_between;
    row.efficiency =
        (shape.before_alone + shape.units_alone) / (static_cast<double>(row.ranks) * row.seconds);
    if (row.efficiency < enough) {
      const Losses losses = losses_of(shape, run);
      row.limit = std::max_element(losses.begin(), losses.end())->second;
    }
  }
  return rows;
}

}  // namespace explaind
