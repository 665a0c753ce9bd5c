#include "app/run_memory.hpp"

#include <limits>

#include "core/byte_size.hpp"
#include "core/free_memory.hpp"
#include "planner/classifier_memory.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {

namespace {

int64_t host_budget(const DecomposeOptions& options, int64_t ranks_on_host) {
  if (options.memory) return parse_bytes("memory", *options.memory);
  const int64_t free = free_memory();
  return free == 0 ? std::numeric_limits<int64_t>::max() : free / 5 * 4 / ranks_on_host;
}

int64_t device_budget(const DecomposeOptions& options, const Device& device,
                      int64_t ranks_on_host) {
  if (!device.is_cuda()) return 0;
  if (options.device_memory) return parse_bytes("device-memory", *options.device_memory);
  const int64_t devices = kernels::device::devices();
  const int64_t sharing = (ranks_on_host + devices - 1) / devices;
  const auto free = static_cast<int64_t>(kernels::device::memory(device.place().index()).free);
  return free / 10 * 9 / sharing;
}

}  // namespace

MemoryBudget rank_budget(const DecomposeOptions& options, const Device& device,
                         int64_t ranks_on_host) {
  return {host_budget(options, ranks_on_host), device_budget(options, device, ranks_on_host),
          threads_of_caller()};
}

MemoryBudget least_budget(const MemoryBudget& budget, const Communicator& ranks) {
  return {ranks.minimum(budget.host), ranks.minimum(budget.device),
          -ranks.minimum(-budget.threads)};
}

MemoryDemand demand_of(const DecomposeJob& job, int shards) {
  return {.network = *job.network,
          .trajectory = *job.trajectory,
          .samples = job.samples,
          .table = job.components,
          .solver = job.solver,
          .computation = job.computation,
          .shards = shards};
}

GridChoice grid_of(const DecomposeJob& job, int ranks, std::optional<Source> source,
                   const MemoryBudget& budget) {
  if (job.network == nullptr) return {1, "the weights of the whole model fit a rank"};
  return choose_grid(ranks, source, demand_of(job, 1), budget);
}

MemoryPlan memory_of(const DecomposeJob& job, int shards, std::optional<Source> source,
                     const MemoryBudget& budget) {
  if (job.network != nullptr) return plan_memory(demand_of(job, shards), source, budget);
  return plan_classifier_memory(job.explained(), *job.data, job.samples, job.components, job.solver,
                                job.computation, shards, budget);
}

}  // namespace explaind
