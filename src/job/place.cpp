#include "job/place.hpp"

#include <limits>

#include "core/byte_size.hpp"
#include "machine/allotment.hpp"
#include "planner/grid_choice.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

/// A fifth is left: to the ranks' page cache, to what is measured late, and to others.
MemoryBudget host_budget(const DecomposeOptions& options, const Allotment& allotted) {
  if (options.memory) return parse_bytes("memory", *options.memory);
  if (allotted.bytes == 0) return std::numeric_limits<int64_t>::max();
  MemoryBudget budget(allotted.bytes / 5 * 4);
  budget.limit = "80 % of " + allotted.bytes_limit;
  return budget;
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

/// --device, but the processor for single scalars.
ChosenDevice device_of(const DecomposeOptions& options, int rank) {
  if (options.component != "parameter") return choose_device(options.device, rank);
  ChosenDevice device = choose_device("cpu", rank);
  if (options.device == "auto") device.reason = "scores of single scalars are computed by it";
  return device;
}

}  // namespace

Place place_of(const DecomposeOptions& options, const Communicator& world,
               const Allotment& allotted, std::optional<PlannedRanks> planned) {
  const int64_t wanted = planned ? planned->ranks : world.size();
  if (options.memory) static_cast<void>(parse_bytes("memory", *options.memory));
  if (options.device_memory) {
    static_cast<void>(parse_bytes("device-memory", *options.device_memory));
  }
  const std::optional<int> shards =
      fixed_shards(static_cast<int>(wanted), options.shards, options.segment_groups);
  const std::optional<Source> source = parse_source(options.parameters);
  const HostPlace host = world.on_host();
  std::optional<ChosenDevice> device;
  agree(world, [&] { device = device_of(options, host.rank); });
  const int64_t on_host = planned ? planned->of_node : host.ranks;
  MemoryBudget budget = host_budget(options, allotted);
  budget.device = device_budget(options, device->device, on_host);
  budget.threads = threads_of_caller();
  return {.world = world,
          .ranks = wanted,
          .device = *device,
          .budget = budget,
          .shards = shards,
          .source = source};
}

MemoryBudget least_budget(const MemoryBudget& budget, const Communicator& ranks) {
  MemoryBudget least = budget;
  least.host = ranks.minimum(budget.host);
  least.device = ranks.minimum(budget.device);
  least.threads = -ranks.minimum(-budget.threads);
  if (least.host < budget.host) least.limit = "as another rank may";
  return least;
}

}  // namespace explaind
