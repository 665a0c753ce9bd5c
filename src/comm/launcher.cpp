#include "comm/launcher.hpp"

#include <mpi.h>

#include <algorithm>
#include <initializer_list>

#include "core/error.hpp"
#include "machine/numbers.hpp"

namespace explaind {
namespace {

#ifdef OMPI_MAJOR_VERSION
constexpr int own_major = OMPI_MAJOR_VERSION, own_minor = OMPI_MINOR_VERSION;
#else
constexpr int own_major = 0, own_minor = 0;  // some other MPI
#endif

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

/// Launchers that have variables of their own beside those that say how many tasks there are.
/// Seen with MPICH 4.0 and 5.0, Intel MPI 2021.19, Open MPI 5.0.
std::optional<LaunchedTasks> from_other_mpi(const Environment& environment) {
  struct Mark {
    const char *variable, *launcher, *size;
    std::initializer_list<const char*> ranks;
  };
  const Mark marks[] = {
      {"PRTE_LAUNCHED", "Open MPI 5's mpirun", "OMPI_COMM_WORLD_SIZE", {"OMPI_COMM_WORLD_RANK"}},
      {"MV2_COMM_WORLD_SIZE", "MVAPICH's mpirun", "MV2_COMM_WORLD_SIZE", {"MV2_COMM_WORLD_RANK"}},
      {"I_MPI_HYDRA_UUID", "Intel MPI's mpirun", "PMI_SIZE", {"PMI_RANK"}},
      {"HYDI_CONTROL_FD", "MPICH's mpirun", "PMI_SIZE", {"PMI_RANK"}}};
  for (const Mark& mark : marks) {
    if (environment(mark.variable) == nullptr) continue;
    auto tasks = from(environment, mark.launcher, mark.size, mark.ranks);
    if (!tasks) continue;
    tasks->foreign = own_major < 5 || mark.size != marks[0].size;
    return tasks;
  }
  return std::nullopt;
}

/// Variables that name a rank and no size: a rank above 0 is not alone.
std::optional<LaunchedTasks> from_rank_alone(const Environment& environment) {
  for (const char* name : {"PMIX_RANK", "PMI_RANK"}) {
    const std::optional<int64_t> rank = number_of(environment(name));
    if (!rank) continue;
    return LaunchedTasks{.launcher = "a launcher of MPI programs",
                         .variable = std::string(name) + "=" + std::to_string(*rank),
                         .count = *rank + 1,
                         .rank = *rank,
                         .pmix = environment("PMIX_RANK") != nullptr};
  }
  return std::nullopt;
}

std::string how_many(const LaunchedTasks& tasks) {
  return "it started " + std::to_string(tasks.count) + " tasks (" + tasks.variable + ")";
}

}  // namespace

std::optional<LaunchedTasks> launched_tasks(const Environment& environment) {
  // Other MPIs first: Open MPI 5 has the variables of 4 as well.
  if (auto tasks = from_other_mpi(environment)) return tasks;
  // Then mpirun: where it starts its daemons with srun, Slurm's variables are the daemons'.
  if (auto tasks = from(environment, "mpirun", "OMPI_COMM_WORLD_SIZE", {"OMPI_COMM_WORLD_RANK"})) {
    return tasks;
  }
  if (auto tasks = from(environment, "srun", "SLURM_STEP_NUM_TASKS",
                        {"PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})) {
    return tasks;
  }
  if (auto tasks = from(environment, "a launcher of MPI programs", "PMI_SIZE", {"PMI_RANK"})) {
    return tasks;
  }
  return from_rank_alone(environment);
}

bool is_first(const std::optional<LaunchedTasks>& tasks) { return !tasks || tasks->rank == 0; }

std::string built_with() {
  if (own_major == 0) return "another MPI than Open MPI";
  return "Open MPI " + std::to_string(own_major) + "." + std::to_string(own_minor);
}

void require_meeting(const std::optional<LaunchedTasks>& tasks) {
  if (!tasks || tasks->count <= 1) return;
  if (tasks->foreign) {
    throw UsageError(tasks->launcher,
                     how_many(*tasks) + ", and ranks of this program, which was built with " +
                         built_with() + ", cannot find each other under it",
                     "Start them with the mpirun of " + built_with() +
                         " (`mpirun --version` says which one is found first; Debian's is also "
                         "called mpirun.openmpi), or with `srun --mpi=pmix`");
  }
  // Open MPI ends the process in MPI_Init where it finds srun without PMIx.
  if (tasks->launcher == "srun" && !tasks->pmix) require_single(tasks);
}

void require_built_library(const std::string& library) {
  const std::string own = "Open MPI v" + std::to_string(own_major) + ".";
  if (own_major == 0 || library.rfind(own, 0) == 0) return;
  throw UsageError("MPI",
                   "this program was built with " + built_with() +
                       ", and the library that it has "
                       "found is " +
                       library.substr(0, library.find_first_of(",\n")),
                   "Take the other MPI out of LD_LIBRARY_PATH (`module unload` does that where a "
                   "module has put it there), and start ranks with the mpirun of " +
                       built_with());
}

void require_single(const std::optional<LaunchedTasks>& tasks) {
  if (!tasks || tasks->count <= 1) return;
  const std::string variable = tasks->variable.substr(0, tasks->variable.find('='));
  throw UsageError(tasks->launcher,
                   how_many(*tasks) +
                       ", but each of them finds itself alone: they would all compute and write "
                       "the same",
                   "Start them with `srun --mpi=pmix` or with the mpirun of " + built_with() +
                       "; for one task that is alone unset " + variable);
}

}  // namespace explaind
