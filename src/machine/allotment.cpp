#include "machine/allotment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>

#include "core/counted.hpp"
#include "machine/numbers.hpp"

namespace explaind {
namespace {

/// How many processes share what a limit's holder has.
using Sharing = std::function<int64_t(const std::string& holder)>;

std::string among(const std::string& meaning, int64_t processes) {
  return processes == 1 ? meaning : fmt::format("{}, for {} ranks", meaning, processes);
}

/// Takes a limit's share where it is less than what was there.
void take_less(double share, const std::string& meaning, double& least, std::string& limit) {
  if (share >= least) return;
  least = share;
  limit = meaning;
}

/// Processors of the mask, those of several processes in parts.
double processors_of(const std::vector<SharedLimit>& mask, const Sharing& sharing) {
  double processors = 0;
  for (const SharedLimit& each : mask) {
    processors += each.amount / static_cast<double>(sharing(each.holder));
  }
  return processors;
}

std::string words_of_mask(const ProcessorLimits& processors, double share) {
  const auto given = static_cast<int64_t>(processors.mask.size());
  std::string words = fmt::format("{} of this machine's {}", counted(given, "processor"),
                                  std::max(processors.of_machine, given));
  if (share < static_cast<double>(given)) words += ", shared with other ranks";
  return words;
}

Allotment shares_of(const MachineLimits& mine, const Sharing& sharing) {
  Allotment allotted;
  constexpr double unlimited = 1e300;
  double bytes = unlimited;
  for (const SharedLimit& each : mine.memory) {
    const int64_t processes = sharing(each.holder);
    take_less(each.amount / static_cast<double>(processes), among(each.meaning, processes), bytes,
              allotted.bytes_limit);
  }
  if (bytes < unlimited) allotted.bytes = std::max<int64_t>(static_cast<int64_t>(bytes), 1);
  const ProcessorLimits& processors = mine.processors;
  double threads = unlimited;
  if (!processors.mask.empty()) {
    threads = processors_of(processors.mask, sharing);
    allotted.threads_limit = words_of_mask(processors, threads);
  }
  for (const SharedLimit& each : processors.quotas) {
    const int64_t processes = sharing(each.holder);
    take_less(each.amount / static_cast<double>(processes), among(each.meaning, processes), threads,
              allotted.threads_limit);
  }
  if (processors.per_task > 0) {
    take_less(static_cast<double>(processors.per_task), "SLURM_CPUS_PER_TASK", threads,
              allotted.threads_limit);
  }
  constexpr double nearly = 1e-9;  // three thirds are one
  if (threads < unlimited) {
    allotted.threads = std::max<int64_t>(1, static_cast<int64_t>(threads + nearly));
  }
  return allotted;
}

/// Processors of this process's machine that any process of the job may use.
int64_t processors_in_use(const MachineLimits& mine,
                          const std::unordered_map<std::string, int64_t>& processes) {
  const std::string& one = mine.processors.mask.front().holder;
  const std::string machine = one.substr(0, one.find(' ') + 1);
  return std::count_if(processes.begin(), processes.end(), [&](const auto& each) {
    const std::string& holder = each.first;
    return holder.starts_with(machine) && number_of(holder.c_str() + machine.size()).has_value();
  });
}

/// For Allotment::ranks_of_domain. ranks: on this machine.
int64_t ranks_of_domain(const ProcessorLimits& mine, int64_t ranks) {
  const bool whole = static_cast<int64_t>(mine.mask.size()) == mine.of_machine;
  const bool even = mine.domains > 1 && ranks % mine.domains == 0;
  return whole && even ? ranks / mine.domains : 0;
}

/// By --threads, else by OMP_NUM_THREADS.
std::optional<int64_t> named_threads(int64_t asked, const Environment& environment) {
  if (asked > 0) return asked;
  const char* text = environment("OMP_NUM_THREADS");
  if (text == nullptr) return std::nullopt;
  const std::string said = text;
  // A list is of nested regions: the first is that of the outermost.
  const std::optional<int64_t> first = number_of(said.substr(0, said.find(',')).c_str());
  return first && *first > 0 ? first : std::nullopt;
}

}  // namespace

std::vector<std::string> holders_of(const MachineLimits& limits) {
  std::vector<std::string> holders;
  for (const auto* each : {&limits.memory, &limits.processors.mask, &limits.processors.quotas}) {
    for (const SharedLimit& limit : *each) holders.push_back(limit.holder);
  }
  return holders;
}

Allotment allotment(const MachineLimits& mine,
                    const std::vector<std::vector<std::string>>& holders) {
  std::unordered_map<std::string, int64_t> processes;
  for (const auto& each : holders) {
    for (const std::string& holder : each) ++processes[holder];
  }
  const Sharing sharing = [&](const std::string& holder) {
    const auto found = processes.find(holder);
    return found == processes.end() ? 1 : found->second;
  };
  Allotment allotted = shares_of(mine, sharing);
  if (!mine.processors.mask.empty()) {
    allotted.ranks_of_domain =
        ranks_of_domain(mine.processors, sharing(mine.processors.mask.front().holder));
  }
  allotted.bound_to_one = mine.processors.mask.size() == 1 &&
                          processors_in_use(mine, processes) < mine.processors.of_machine;
  return allotted;
}

Allotment allotment_of_alike(const MachineLimits& mine, int64_t processes) {
  return shares_of(mine, [&](const std::string&) { return processes; });
}

int threads_of(int64_t asked, const Allotment& allotted, const Environment& environment) {
  return static_cast<int>(named_threads(asked, environment).value_or(allotted.threads));
}

std::string advice_on_threads(int64_t asked, const Allotment& allotted,
                              const Environment& environment) {
  const std::optional<int64_t> named = named_threads(asked, environment);
  if (named && *named > allotted.threads) {
    return fmt::format(
        "{} threads a rank run by turns on what a rank has: {}. --threads {} is faster", *named,
        allotted.threads_limit, allotted.threads);
  }
  if (!named && allotted.bound_to_one && environment("OMPI_COMM_WORLD_SIZE") != nullptr) {
    return fmt::format(
        "mpirun has bound each rank to {}; with --bind-to none ranks use all of them",
        allotted.threads_limit);
  }
  if (allotted.ranks_of_domain > 0) {
    return fmt::format(
        "ranks move between the NUMA domains of this machine; bound to one each they stay beside "
        "their memory: mpirun --map-by ppr:{}:numa --bind-to numa, or srun --cpu-bind=ldoms",
        allotted.ranks_of_domain);
  }
  return "";
}

}  // namespace explaind
