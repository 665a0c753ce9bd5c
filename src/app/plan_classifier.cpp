#include "app/plan_classifier.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>

#include "app/group_collectives.hpp"
#include "comm/communicator.hpp"

namespace explaind {
namespace {

/// The first micro-batch, all its outputs asked for in the middle of a piece.
struct Probe {
  ChunkBatches chunk;
  std::vector<Ask> asks;
};

Probe probe_of(const DecomposeJob& job, int accumulators) {
  const auto count =
      std::min<int64_t>(job.solver.micro_batch, static_cast<int64_t>(job.samples.size()));
  const std::span<const Sample> members(job.samples.data(), static_cast<size_t>(count));
  Probe probe{.chunk = {.batches = {make_micro_batch(members, job.solver.functional)},
                        .first = {0},
                        .outputs = job.solver.outputs},
              .asks = {{.t = 0.5,
                        .samples = {},
                        .value_only = false,
                        .accumulators = accumulators,
                        .weights = {}}}};
  for (int64_t pair = 0; pair < count * job.solver.outputs; ++pair) {
    probe.asks[0].samples.push_back(pair);
  }
  probe.asks[0].weights.assign(probe.asks[0].samples.size() * static_cast<size_t>(accumulators), 1);
  return probe;
}

}  // namespace

ClassifierCost classifier_cost(const DecomposeJob& job, const MemoryPlan& memory,
                               double evaluations, int64_t ranks, double budget) {
  const Communicator alone = Communicator::self();
  const GroupCollectives collectives = make_group_collectives(alone, job.computation.device);
  const Workspace workspace = workspace_of(job, *job.trajectory, memory, *collectives.gathers);
  workspace.parameters->load(0);
  const auto directions = static_cast<int64_t>(job.solver.directions.size());
  const bool keeps = !job.components.sums_of_tensors() || directions > 0;
  const int levels = make_plan(job.solver.quadrature, 1, 1, !keeps)->accumulators();
  const Probe probe = probe_of(job, levels);
  ScoreAccumulator sink(job.components, static_cast<int64_t>(probe.asks[0].samples.size()), 0,
                        levels, keeps, job.computation.device, directions);
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
  const auto samples = static_cast<int64_t>(job.samples.size());
  const int64_t batches = (samples + job.solver.micro_batch - 1) / job.solver.micro_batch;
  const auto busy = static_cast<double>(std::min(ranks, job.units.size()));
  cost.seconds = cost.per_evaluation * evaluations *
                 static_cast<double>(batches * job.trajectory->segments()) / busy;
  const int64_t rows = job.solver.axes.sample  ? samples
                       : job.solver.axes.group ? static_cast<int64_t>(job.groups.names.size())
                                               : 1;
  cost.bytes_stored = 8 * static_cast<int64_t>(job.pieces.size()) *
                      (rows * job.components.size() * job.solver.outputs * (1 + directions) +
                       3 * samples * job.solver.outputs);
  return cost;
}

}  // namespace explaind
