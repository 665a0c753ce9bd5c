#pragma once
// What one of several processes may take of what they share.

#include <cstdint>
#include <string>
#include <vector>

#include "machine/memory_limits.hpp"
#include "machine/processor_limits.hpp"

namespace explaind {

/// A process's limits, each with the name of who holds it.
struct MachineLimits {
  std::vector<SharedLimit> memory = memory_limits();
  ProcessorLimits processors = processor_limits();
};

/// What a process may take, and what limits it there.
struct Allotment {
  int64_t bytes = 0;  ///< 0: not known
  std::string bytes_limit;
  int64_t threads = 1;
  std::string threads_limit;
  /// Bound to one processor of a machine, of which the job leaves others idle.
  bool bound_to_one = false;
  /// Ranks that each NUMA domain of the machine could have for itself, where the job has the whole
  /// machine and none is bound; else 0.
  int64_t ranks_of_domain = 0;
};

/// The holders of all of its limits: what processes tell each other to learn with whom they share.
std::vector<std::string> holders_of(const MachineLimits& limits);

/// Every limit is divided by the processes that share it; the least share counts. A processor that
/// n processes may use counts as 1/n of one for each. At least one thread.
///
/// mine: this process's. holders: of every process of the job, this one's among them.
Allotment allotment(const MachineLimits& mine,
                    const std::vector<std::vector<std::string>>& holders);

/// Of a process that shares all it has with so many like it, itself among them.
Allotment allotment_of_alike(const MachineLimits& mine, int64_t processes);

/// Threads that a process has: those asked for, else OMP_NUM_THREADS, else those it was allotted.
int threads_of(int64_t asked, const Allotment& allotted,
               const Environment& environment = std::getenv);

/// A line for whoever started the job where its threads do not suit its processors; else empty.
std::string advice_on_threads(int64_t asked, const Allotment& allotted,
                              const Environment& environment = std::getenv);

}  // namespace explaind
