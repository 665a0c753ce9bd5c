#include "machine/processor_limits.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "machine/control_groups.hpp"
#include "machine/memory_limits.hpp"
#include "machine/numbers.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Processors' time, or nothing where the group has no quota. Version 2: `QUOTA PERIOD` in one
/// file, with "max" for none; version 1: two files, with −1 for none. Both in microseconds.
std::optional<double> quota_of(const ControlGroup& group) {
  int64_t quota = 0, period = 0;
  if (group.version == 1) {
    quota = number_in(group.folder / "cpu.cfs_quota_us").value_or(-1);
    period = number_in(group.folder / "cpu.cfs_period_us").value_or(0);
  } else {
    std::ifstream in(group.folder / "cpu.max");
    if (!(in >> quota >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return static_cast<double>(quota) / static_cast<double>(period);
}

/// A domain without processors has memory alone.
int64_t numa_domains(const fs::path& root) {
  std::error_code none;
  int64_t count = 0;
  for (const auto& entry : fs::directory_iterator(root / "sys/devices/system/node", none)) {
    std::ifstream in(entry.path() / "cpulist");
    std::string processors;
    if (entry.path().filename().string().starts_with("node") && in >> processors) ++count;
  }
  return std::max<int64_t>(count, 1);
}

}  // namespace

std::vector<int> own_mask() {
  // Machines may have more processors than the type cpu_set_t counts.
  for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
        CPU_ALLOC(most), [](cpu_set_t* each) { CPU_FREE(each); });
    const size_t bytes = CPU_ALLOC_SIZE(most);
    CPU_ZERO_S(bytes, set.get());
    if (sched_getaffinity(0, bytes, set.get()) != 0) continue;
    std::vector<int> processors;
    for (int each = 0; each < most; ++each) {
      if (CPU_ISSET_S(each, bytes, set.get())) processors.push_back(each);
    }
    return processors;
  }
  return {};
}

ProcessorLimits processor_limits(const std::vector<int>& mask, const Environment& environment,
                                 const fs::path& root) {
  ProcessorLimits limits;
  const std::string machine = machine_identity(root);
  for (const int processor : mask) {
    limits.mask.push_back({1, machine + " " + std::to_string(processor), {}});
  }
  for (const ControlGroup& group : control_groups(Controller::processors, root)) {
    const std::optional<double> quota = quota_of(group);
    if (!quota) continue;
    limits.quotas.push_back({*quota, machine + " quota " + group.identity,
                             "the processor quota of its control group " + group.name});
  }
  limits.per_task = number_of(environment("SLURM_CPUS_PER_TASK")).value_or(0);
  limits.of_machine = sysconf(_SC_NPROCESSORS_ONLN);
  limits.domains = numa_domains(root);
  return limits;
}

}  // namespace explaind
