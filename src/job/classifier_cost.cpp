#include "job/classifier_cost.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>

#include "comm/communicator.hpp"
#include "job/group_collectives.hpp"

namespace explaind {
namespace {

/// The first micro-batch, all its outputs asked for in the middle of a piece.
struct ClassifierProbe {
  ChunkBatches chunk;
  std::vector<Ask> asks;
};

ClassifierProbe probe_of(const Problem& problem, int accumulators) {
  const auto count =
      std::min<int64_t>(problem.solver.micro_batch, static_cast<int64_t>(problem.samples.size()));
  const std::span<const Sample> members(problem.samples.data(), static_cast<size_t>(count));
  ClassifierProbe probe{.chunk = {.batches = {make_micro_batch(members, problem.solver.functional)},
                                  .first = {0},
                                  .outputs = problem.solver.outputs},
                        .asks = {{.t = 0.5,
                                  .samples = {},
                                  .value_only = false,
                                  .accumulators = accumulators,
                                  .weights = {}}}};
  for (int64_t pair = 0; pair < count * problem.solver.outputs; ++pair) {
    probe.asks[0].samples.push_back(pair);
  }
  probe.asks[0].weights.assign(probe.asks[0].samples.size() * static_cast<size_t>(accumulators), 1);
  return probe;
}

}  // namespace

ClassifierCost classifier_cost(const Problem& problem, const MemoryPlan& memory, double evaluations,
                               int64_t ranks, double budget) {
  const Communicator alone = Communicator::self();
  const GroupCollectives collectives = make_group_collectives(alone, problem.computation.device);
  const Workspace workspace =
      workspace_of(problem, *problem.trajectory, memory, *collectives.gathers);
  workspace.parameters->load(0);
  const auto directions = static_cast<int64_t>(problem.solver.directions.size());
  const bool keeps = !problem.components.sums_of_tensors() || directions > 0;
  const int levels = make_plan(problem.solver.quadrature, 1, 1, !keeps)->accumulators();
  const ClassifierProbe probe = probe_of(problem, levels);
  ScoreAccumulator sink(problem.components,
                        {.samples = static_cast<int64_t>(probe.asks[0].samples.size()),
                         .accumulators = levels,
                         .keep_scores = keeps,
                         .directions = directions},
                        problem.computation.device);
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  workspace.sweep->run(probe.chunk, probe.asks, sink);  // buffers and caches are warm then
  const auto start = Clock::now();
  int64_t done = 0;
  for (; done == 0 || seconds_since(start) < budget; ++done) {
    workspace.sweep->run(probe.chunk, probe.asks, sink);
  }
  ClassifierCost cost;
  cost.per_evaluation = seconds_since(start) / static_cast<double>(done);
  const auto samples = static_cast<int64_t>(problem.samples.size());
  const int64_t batches = (samples + problem.solver.micro_batch - 1) / problem.solver.micro_batch;
  const auto busy = static_cast<double>(std::min(ranks, problem.units.size()));
  cost.seconds = cost.per_evaluation * evaluations *
                 static_cast<double>(batches * problem.trajectory->segments()) / busy;
  return cost;
}

}  // namespace explaind
