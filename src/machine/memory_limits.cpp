#include "machine/memory_limits.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string>

#include "machine/control_groups.hpp"
#include "machine/numbers.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// The number behind a word in a file of lines "WORD NUMBER".
std::optional<int64_t> number_after(const std::string& word, const fs::path& file) {
  std::ifstream in(file);
  for (std::string each; in >> each;) {
    int64_t value = 0;
    if (each == word && in >> value) return value;
  }
  return std::nullopt;
}

struct GroupMemory {
  int64_t limit = 0, used = 0, idle_files = 0;
};

/// Nothing where the group has no limit. Version 1 says "none" by a number near 2⁶³.
std::optional<GroupMemory> memory_of(const ControlGroup& group) {
  const auto least = [](std::optional<int64_t> a, std::optional<int64_t> b) {
    return a && b ? std::min(*a, *b) : a ? a : b;
  };
  constexpr int64_t none = int64_t{1} << 62;
  const bool first = group.version == 1;
  const std::optional<int64_t> limit = first ? number_in(group.folder / "memory.limit_in_bytes")
                                             : least(number_in(group.folder / "memory.max"),
                                                     number_in(group.folder / "memory.high"));
  const std::optional<int64_t> used =
      number_in(group.folder / (first ? "memory.usage_in_bytes" : "memory.current"));
  if (!limit || !used || *limit >= none) return std::nullopt;
  const std::optional<int64_t> idle =
      number_after(first ? "total_inactive_file" : "inactive_file", group.folder / "memory.stat");
  return GroupMemory{*limit, *used, idle.value_or(0)};
}

/// Slurm's mebibytes for this job on this node. 0 stands for all of the node's.
std::optional<int64_t> slurm_bytes(const Environment& environment) {
  const std::optional<int64_t> node = number_of(environment("SLURM_MEM_PER_NODE"));
  if (node && *node > 0) return *node << 20;
  const std::optional<int64_t> processor = number_of(environment("SLURM_MEM_PER_CPU"));
  const std::optional<int64_t> processors = number_of(environment("SLURM_CPUS_ON_NODE"));
  if (processor && processors && *processor > 0 && *processors > 0) {
    return (*processor << 20) * *processors;
  }
  return std::nullopt;
}

}  // namespace

std::string machine_identity(const fs::path& root) {
  std::string identity;
  std::ifstream(root / "proc/sys/kernel/random/boot_id") >> identity;
  if (!identity.empty()) return identity.substr(0, identity.find('-', 9));  // 12 digits are enough
  std::array<char, 256> name{};  // where a container hides it: ranks on other hosts share nothing
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::vector<SharedLimit> memory_limits(const Environment& environment, const fs::path& root) {
  std::vector<SharedLimit> limits;
  const std::string machine = machine_identity(root);
  if (const auto kibibytes = number_after("MemAvailable:", root / "proc/meminfo")) {
    limits.push_back(
        {static_cast<double>(*kibibytes << 10), machine + " memory", "what this machine has free"});
  }
  for (const ControlGroup& group : control_groups(Controller::memory, root)) {
    const std::optional<GroupMemory> memory = memory_of(group);
    if (!memory) continue;
    const int64_t held = std::max<int64_t>(memory->used - memory->idle_files, 0);
    limits.push_back({static_cast<double>(std::max<int64_t>(memory->limit - held, 0)),
                      machine + " memory " + group.identity,
                      "what the memory limit of its control group " + group.name + " leaves"});
  }
  if (const std::optional<int64_t> bytes = slurm_bytes(environment)) {
    const char* node = environment("SLURMD_NODENAME");  // a machine may be several of its nodes
    limits.push_back({static_cast<double>(*bytes),
                      machine + " memory of Slurm " + (node == nullptr ? "" : node),
                      "what Slurm gave the job on this node"});
  }
  return limits;
}

int64_t free_memory() {
  const std::vector<SharedLimit> limits = memory_limits();
  const auto least = std::min_element(
      limits.begin(), limits.end(),
      [](const SharedLimit& a, const SharedLimit& b) { return a.amount < b.amount; });
  return least == limits.end() ? 0 : static_cast<int64_t>(least->amount);
}

}  // namespace explaind
