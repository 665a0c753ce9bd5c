#include "app/plan_target.hpp"

#include <algorithm>

#include "app/parameter_scores.hpp"

namespace explaind {

PlanTarget plan_target(const PlanOptions& options, const DecomposeJob& job,
                       const ChosenDevice& device, int64_t ranks, std::optional<int> shards,
                       const Communicator& world) {
  const std::optional<Source> source = parse_source(options.decompose.parameters);
  // Another number of ranks than this job's is taken to run on this machine.
  const int64_t on_host = ranks == world.size() ? world.on_host().ranks : ranks;
  PlanTarget target{
      .ranks = ranks,
      .budget = least_budget(rank_budget(options.decompose, device.device, on_host), world),
      .device = device,
      .grid = {},
      .memory = {}};
  target.grid = shards      ? GridChoice{*shards, "as asked"}
                : job.dense ? GridChoice{1, "single scalars need the whole model on a rank"}
                            : grid_of(job, static_cast<int>(ranks), source, target.budget);
  agree(world, [&] {
    target.memory = job.dense ? parameter_memory(job, target.grid.shards, target.budget)
                              : memory_of(job, target.grid.shards, source, target.budget);
  });
  return target;
}

double batches_of_rank(const DecomposeJob& job, const PlanTarget& target) {
  const auto samples = static_cast<int64_t>(job.samples.size());
  const int64_t batches = (samples + job.solver.micro_batch - 1) / job.solver.micro_batch;
  const auto busy = static_cast<double>(std::min(target.groups(), job.units.size()));
  return static_cast<double>(batches * job.trajectory->segments()) /
         (busy * static_cast<double>(std::min<int64_t>(target.grid.shards, batches)));
}

}  // namespace explaind
