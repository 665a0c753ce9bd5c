#include "job/group_collectives.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "comm/mpi_collectives.hpp"
#include "comm/nccl_collectives.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// The machine and the device on it; the same string for the same device.
std::string name_of(const Device& device) {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return std::string(host) + ":" + std::to_string(device.place().index());
}

bool distinct_devices(const Communicator& group, const Device& device) {
  std::vector<std::string> names = group.all_gather(name_of(device));
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

}  // namespace

GroupCollectives make_group_collectives(const Communicator& group, const Device& device) {
  const auto over_mpi = [&](const std::string& why) {
    return GroupCollectives{std::make_unique<MpiCollectives>(group), "MPI" + why};
  };
  if (!device.is_cuda() || group.size() == 1) return over_mpi("");
  if (!nccl_built()) return over_mpi(" (built without NCCL)");
  if (!distinct_devices(group, device)) return over_mpi(" (ranks of a group share a device)");
  try {
    std::unique_ptr<DeviceQueue> queue;
    agree(group, [&] { queue = make_cuda_queue(device.stream()); });
    return {make_nccl_collectives(group, std::move(queue)), "NCCL"};
  } catch (const Error& error) {  // the same on all ranks: half a group would wait for the other
    return over_mpi(std::string(" (") + error.what() + ")");
  }
}

}  // namespace explaind
