// How MPI begins and ends in this process.

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "comm/check.hpp"
#include "comm/communicator.hpp"
#include "comm/launcher.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

void set_where_free(const char* parameter, const char* value) {
  setenv(parameter, value, 0);  // what the user has set stays
}

bool equals(const char* variable, const char* other) {
  const char *a = std::getenv(variable), *b = std::getenv(other);
  return a != nullptr && b != nullptr && std::string(a) == b;
}

/// All ranks are on this machine, and it has room for a semaphore.
bool share_a_machine() {
  const char* nodes = std::getenv("SLURM_STEP_NUM_NODES");
  const bool here = equals("OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_SIZE") ||
                    (nodes != nullptr && std::string(nodes) == "1");
  struct statvfs room {};
  constexpr uint64_t enough = uint64_t{1} << 20;
  return here && access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &room) == 0 &&
         room.f_bavail * room.f_frsize >= enough;
}

/// Parameters of Open MPI without which it wants more of a machine than this program needs.
void ask_for_little(bool alone) {
  // Pointers that ranks share into a file are not used, but prepared whenever one is opened: by a
  // semaphore, or by files beside the store, of which a run that fails leaves some.
  const bool semaphores = !alone && share_a_machine();
  set_where_free("OMPI_MCA_sharedfp", semaphores ? "sm" : "individual");
  if (!alone) return;
  // A process alone needs no daemon, which would be started even where there is no ssh to start
  // others with, and none of the daemon's folders in /tmp, which may be read-only.
  set_where_free("OMPI_MCA_ess_singleton_isolated", "1");
  set_where_free("OMPI_MCA_orte_create_session_dirs", "0");
}

std::string library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  return {text, static_cast<size_t>(length)};
}

}  // namespace

MpiEnvironment::MpiEnvironment(int& argc, char**& argv) {
  const std::optional<LaunchedTasks> tasks = launched_tasks(std::getenv);
  require_meeting(tasks);
  require_built_library(library_version());
  if (tasks && tasks->launcher == "srun" && !tasks->pmix) {
    // One task: Open MPI would look for a PMI of Slurm's that it does not have, and end.
    for (const char* name : {"SLURM_JOBID", "SLURM_NODELIST", "SLURM_STEPID"}) unsetenv(name);
  }
  ask_for_little(!tasks || !tasks->pmix);
  int provided = 0;
  check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_MULTIPLE) {
    throw Error("MPI", "this MPI library does not support MPI_THREAD_MULTIPLE",
                "Use a build of Open MPI with thread support");
  }
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int ranks = 1;
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "MPI_Comm_size");
  if (ranks > 1) return;
  try {
    require_single(tasks);
  } catch (const Error&) {
    MPI_Finalize();
    throw;
  }
}

MpiEnvironment::~MpiEnvironment() {
  if (mpi_running()) MPI_Finalize();
}

}  // namespace explaind
