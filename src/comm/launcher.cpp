#include "comm/launcher.hpp"

#include <algorithm>
#include <initializer_list>

#include "core/error.hpp"
#include "machine/numbers.hpp"

namespace explaind {
namespace {

/// A launcher that says size and rank in two variables.
std::optional<LaunchedTasks> from(const Environment& environment, const char* launcher,
                                  const char* size, std::initializer_list<const char*> ranks) {
  const std::optional<int64_t> count = number_of(environment(size));
  if (!count) return std::nullopt;
  LaunchedTasks tasks{.launcher = launcher,
                      .variable = std::string(size) + "=" + std::to_string(*count),
                      .count = *count,
                      .rank = 0,
                      .pmix = environment("PMIX_RANK") != nullptr};
  for (const char* name : ranks) {
    if (const std::optional<int64_t> rank = number_of(environment(name))) {
      tasks.rank = *rank;
      break;
    }
  }
  return tasks;
}

}  // namespace

std::optional<LaunchedTasks> launched_tasks(const Environment& environment) {
  // mpirun first: where it starts its daemons with srun, Slurm's variables are the daemons'.
  if (auto tasks = from(environment, "mpirun", "OMPI_COMM_WORLD_SIZE", {"OMPI_COMM_WORLD_RANK"})) {
    return tasks;
  }
  if (auto tasks = from(environment, "srun", "SLURM_STEP_NUM_TASKS",
                        {"PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})) {
    return tasks;
  }
  constexpr const char* other = "a launcher of MPI programs";
  if (auto tasks = from(environment, other, "PMI_SIZE", {"PMI_RANK"})) return tasks;
  if (auto tasks = from(environment, other, "MV2_COMM_WORLD_SIZE", {"MV2_COMM_WORLD_RANK"})) {
    return tasks;
  }
  // PMIx alone names no size: a rank above 0 is not alone.
  if (const std::optional<int64_t> rank = number_of(environment("PMIX_RANK"))) {
    return LaunchedTasks{.launcher = other,
                         .variable = "PMIX_RANK=" + std::to_string(*rank),
                         .count = *rank + 1,
                         .rank = *rank,
                         .pmix = true};
  }
  return std::nullopt;
}

void require_single(const std::optional<LaunchedTasks>& tasks) {
  if (!tasks || tasks->count <= 1) return;
  const std::string variable = tasks->variable.substr(0, tasks->variable.find('='));
  throw UsageError(
      tasks->launcher,
      "it started " + std::to_string(tasks->count) + " tasks (" + tasks->variable +
          "), but each of them found itself alone: they would all compute and write the same",
      "Start them with `srun --mpi=pmix` or with the mpirun of this program's Open MPI; for one "
      "task that is alone unset " +
          variable);
}

}  // namespace explaind
