#include "job/probe.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "job/group_collectives.hpp"
#include "parameters/endpoints.hpp"

namespace explaind {
namespace {

constexpr int64_t most_candidates = 64;
constexpr double most_bytes_compared = 1e9;

/// |Δ|² of a piece.
double squared_step(const Problem& problem, int64_t piece) {
  double sum = 0;
  for (size_t id = 0; id < problem.model().parameters().size(); ++id) {
    const Endpoints ends = problem.trajectory->endpoints(piece, static_cast<ParameterId>(id));
    at::Tensor delta = at::empty(ends.from.shape, at::kDouble);
    form_delta(ends, Device::cpu(), delta);
    sum += delta.square().sum().item<double>();
  }
  return sum;
}

/// Pieces evenly spread over the trajectory, the shortest step first; in their own order where
/// reading the weights of all of them takes too long.
std::vector<int64_t> candidates_of(const Problem& problem) {
  const int64_t all = problem.trajectory->segments(), count = std::min(all, most_candidates);
  std::vector<int64_t> pieces;
  for (int64_t i = 0; i < count; ++i) pieces.push_back((2 * i + 1) * all / (2 * count));
  const double bytes = 8.0 * static_cast<double>(parameter_count(problem.model()) * count);
  if (bytes > most_bytes_compared || problem.steps) return pieces;
  std::map<int64_t, double> size;
  for (const int64_t piece : pieces) size[piece] = squared_step(problem, piece);
  std::stable_sort(pieces.begin(), pieces.end(),
                   [&](int64_t a, int64_t b) { return size[a] < size[b]; });
  return pieces;
}

/// Places 0 … count − 1: the last, the first, then the middle of every gap.
std::vector<size_t> visiting_order(size_t count) {
  std::vector<size_t> order{count - 1};
  if (count > 1) order.push_back(0);
  std::vector<size_t> visited{0, count - 1};
  while (order.size() < count) {
    std::vector<size_t> finer;
    for (size_t i = 0; i + 1 < visited.size(); ++i) {
      finer.push_back(visited[i]);
      const size_t middle = (visited[i] + visited[i + 1]) / 2;
      if (middle == visited[i]) continue;
      finer.push_back(middle);
      order.push_back(middle);
    }
    finer.push_back(visited.back());
    visited = std::move(finer);
  }
  return order;
}

/// Places 0 … count − 1, straight lines between those that are known.
std::vector<double> lines_between(const std::map<size_t, double>& known, size_t count) {
  std::vector<double> all;
  for (size_t place = 0; place < count; ++place) {
    const auto after = known.lower_bound(place);
    if (after == known.begin() || (after != known.end() && after->first == place)) {
      all.push_back(after->second);
    } else if (after == known.end()) {
      all.push_back(known.rbegin()->second);
    } else {
      const auto before = std::prev(after);
      const double share = static_cast<double>(place - before->first) /
                           static_cast<double>(after->first - before->first);
      all.push_back(before->second + share * (after->second - before->second));
    }
  }
  return all;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double smallest(const std::map<size_t, double>& of) {
  return std::min_element(of.begin(), of.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->second;
}

double largest(const std::map<size_t, double>& of) {
  return std::max_element(of.begin(), of.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->second;
}

}  // namespace

PlanProbe probe_pieces(const Problem& problem, const MemoryPlan& memory, double budget) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Communicator alone = Communicator::self();
  const GroupCollectives collectives = make_group_collectives(alone, problem.computation.device);
  const Workspace workspace =
      workspace_of(problem, *problem.trajectory, memory, *collectives.gathers);
  const auto count =
      std::min<int64_t>(problem.solver.micro_batch, static_cast<int64_t>(problem.samples.size()));
  const std::vector<Sample> members(problem.samples.begin(), problem.samples.begin() + count);
  const Groups groups = group_samples(members);
  const UnitSolver solver(problem.components, members, groups, problem.solver);
  const auto solve = [&](int64_t piece) {
    workspace.parameters->load(piece);
    return solver.solve({.index = 0, .segment = piece, .sample_begin = 0, .sample_end = count},
                        *workspace.sweep);
  };
  const std::vector<int64_t> candidates = candidates_of(problem);
  std::map<size_t, double> evaluations, seconds;  // by place among the candidates
  const auto begin = Clock::now();
  for (const size_t place : visiting_order(candidates.size())) {
    const auto start = Clock::now();
    ScoreTile tile = solve(candidates[place]);
    if (evaluations.empty() && seconds_since(start) < budget / 4) {  // buffers and caches are warm
      const auto again = Clock::now();
      workspace.parameters->load((candidates[place] + 1) % problem.trajectory->segments());
      tile = solve(candidates[place]);
      seconds[place] = seconds_since(again);
    } else {
      seconds[place] = seconds_since(start);
    }
    double sum = 0;
    for (const auto each : tile.node_count) sum += static_cast<double>(each);
    evaluations[place] = sum / static_cast<double>(count);
    if (seconds_since(begin) > budget) break;
  }
  const std::vector<double> taken = lines_between(seconds, candidates.size());
  std::map<int64_t, double> of_piece;
  for (size_t place = 0; place < taken.size(); ++place) of_piece[candidates[place]] = taken[place];
  return {.pieces = static_cast<int64_t>(evaluations.size()),
          .evaluations = mean(lines_between(evaluations, candidates.size())),
          .least = smallest(evaluations),
          .most = largest(evaluations),
          .seconds = mean(taken),
          .shortest = smallest(seconds),
          .longest = largest(seconds),
          .of_piece = std::move(of_piece)};
}

}  // namespace explaind
