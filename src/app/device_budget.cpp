#include "app/device_budget.hpp"

#include "core/byte_size.hpp"

namespace explaind {

int64_t device_budget(const DecomposeOptions& options, const Device& device,
                      const HostPlace& place) {
  if (!device.is_cuda()) return 0;
  if (options.device_memory) return parse_bytes("device-memory", *options.device_memory);
  const int devices = kernels::device::devices();
  const int sharing = (place.ranks + devices - 1) / devices;
  const auto free = static_cast<int64_t>(kernels::device::memory(device.place().index()).free);
  return free / 10 * 9 / sharing;
}

}  // namespace explaind
