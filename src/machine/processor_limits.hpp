#pragma once
// Processors that this process, with those it shares them with, may use.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "machine/environment.hpp"
#include "machine/shared_limit.hpp"

namespace explaind {

struct ProcessorLimits {
  /// One for every processor of the mask that this process was given (its affinity).
  std::vector<SharedLimit> mask;
  /// Processor time that control groups allow, in processors: 0.5 is half of one's time.
  std::vector<SharedLimit> quotas;
  /// Processors of each of Slurm's tasks, not shared; 0 where Slurm says nothing.
  int64_t per_task = 0;
  /// That the machine has, whether this process may use them or not.
  int64_t of_machine = 0;
  /// NUMA domains of the machine that have processors: sockets, or parts of them, each with memory
  /// of its own beside it.
  int64_t domains = 1;
};

/// The numbers of the processors that this thread may run on.
std::vector<int> own_mask();

/// mask, environment, root: in tests others than this machine's.
ProcessorLimits processor_limits(const std::vector<int>& mask = own_mask(),
                                 const Environment& environment = std::getenv,
                                 const std::filesystem::path& root = "/");

}  // namespace explaind
