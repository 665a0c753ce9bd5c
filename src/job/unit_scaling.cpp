// What units take on more and more ranks: units of their own lengths, for the planner's simulation.

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>
#include <vector>

#include "job/unit_job.hpp"
#include "samples/batch.hpp"

namespace explaind {
namespace {

/// What a group has to do for each chunk of samples: padded tokens, or samples of a classifier, of
/// its rank with most micro-batches.
std::vector<double> work_of_chunks(const Problem& problem, int shards) {
  const auto chunk = static_cast<size_t>(problem.solver.chunk),
             step = static_cast<size_t>(problem.solver.micro_batch),
             ranks = static_cast<size_t>(shards);
  const std::span samples(problem.samples);
  std::vector<double> work;
  for (size_t begin = 0; begin < samples.size(); begin += chunk) {
    const std::span members = samples.subspan(begin, std::min(chunk, samples.size() - begin));
    std::vector<double> of_rank(ranks, 0);
    size_t number = 0;
    for (size_t first = 0; first < members.size(); first += step, ++number) {
      const std::span batch = members.subspan(first, std::min(step, members.size() - first));
      of_rank[number % ranks] += problem.network() != nullptr
                                     ? static_cast<double>(padded_tokens(batch))
                                     : static_cast<double>(batch.size());
    }
    work.push_back(*std::max_element(of_rank.begin(), of_rank.end()));
  }
  const double all = std::accumulate(work.begin(), work.end(), 0.0);
  if (problem.units.per_segment() == 1) return {all};
  return work;
}

/// Of the nearest piece before it that is known, else of the first one.
double seconds_of_piece(const std::map<int64_t, double>& known, int64_t piece) {
  if (known.empty()) return 1;
  const auto after = known.upper_bound(piece);
  return after == known.begin() ? after->second : std::prev(after)->second;
}

/// Places of the path whose weights a segment of the units needs.
std::vector<int64_t> points_of(const Problem& problem, const PieceRange& pieces) {
  if (problem.steps) return {pieces.first};  // the step's end is formed
  std::vector<int64_t> points;
  for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
    for (const bool to : {false, true}) points.push_back(problem.trajectory->point(piece, to));
  }
  return points;
}

double bytes_of_point(const Problem& problem) {
  double bytes = 0;
  for (size_t id = 0; id < problem.model().parameters().size(); ++id) {
    const Endpoints ends = problem.trajectory->endpoints(0, static_cast<ParameterId>(id));
    bytes += static_cast<double>(ends.from.bytes);
  }
  return bytes;
}

/// The units with lengths in the right proportions, `seconds` together.
SimulatedWork work_of(const Problem& problem, int shards, const UnitTimes& times,
                      const GroupCost& cost) {
  const std::vector<double> chunks = work_of_chunks(problem, shards);
  SimulatedWork work;
  work.point_bytes = bytes_of_point(problem);
  work.gathered = cost.received / static_cast<double>(problem.units.size());
  double all = 0;
  for (const PieceRange& pieces : problem.pieces) {
    double of_segment = 0;
    for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
      of_segment += seconds_of_piece(times.of_piece, piece);
    }
    for (const double chunk : chunks) {
      work.units.push_back(
          {.seconds = of_segment * chunk, .segment = static_cast<int64_t>(work.points.size())});
      all += work.units.back().seconds;
    }
    work.points.push_back(points_of(problem, pieces));
  }
  for (SimulatedUnit& unit : work.units) unit.seconds *= cost.seconds / all;
  return work;
}

}  // namespace

std::vector<ScalingRow> UnitJob::scaling(const PlannedNodes& nodes, const UnitTimes& times) const {
  std::vector<ScalingShape> shapes;
  for (const int64_t ranks : doubling(place().ranks, place().shards.value_or(1))) {
    const int shards = place().shards ? *place().shards : choose_grid(ranks, budget()).shards;
    const MemoryPlan memory = plan_memory(shards);
    const GroupCost cost = times.of_group(shards, memory);
    shapes.push_back({.ranks = ranks,
                      .shards = shards,
                      .memory = cost.memory,
                      .before = times.before ? times.before(ranks) : 0,
                      .before_alone = times.before ? times.before(1) : 0,
                      .units_alone = times.of_group(1, memory).seconds,
                      .work = work_of(problem(), shards, times, cost)});
  }
  return scaling_rows(shapes, {.ranks_of_node = nodes.ranks_of_node,
                               .read_rate = nodes.read_rate,
                               .network_rate = nodes.network_rate,
                               .gather_second = times.gather_second});
}

}  // namespace explaind
