#include "app/run_memory.hpp"

#include <limits>

#include "core/byte_size.hpp"
#include "core/free_memory.hpp"

namespace explaind {

int64_t rank_budget(const DecomposeOptions& options, int64_t ranks_on_host) {
  if (options.memory) return parse_bytes("memory", *options.memory);
  const int64_t free = free_memory();
  return free == 0 ? std::numeric_limits<int64_t>::max() : free / 5 * 4 / ranks_on_host;
}

MemoryDemand demand_of(const DecomposeJob& job, int shards) {
  return {.network = *job.network,
          .trajectory = *job.trajectory,
          .samples = job.samples,
          .table = job.components,
          .solver = job.solver,
          .type = job.type,
          .shards = shards};
}

}  // namespace explaind
