#pragma once
// What the program that started this one says about it, in the environment.

#include <cstdint>
#include <optional>
#include <string>

#include "machine/environment.hpp"

namespace explaind {

/// Tasks that were started together.
struct LaunchedTasks {
  std::string launcher;  ///< "srun", "mpirun", "Intel MPI's mpirun", … "a launcher of MPI programs"
  std::string variable;  ///< that says how many, as "SLURM_STEP_NUM_TASKS=4"
  int64_t count = 1, rank = 0;
  bool pmix = false;     ///< it speaks what this program's MPI understands
  bool foreign = false;  ///< it belongs to another MPI, whose ranks this program's cannot be
};

/// Nothing where no launcher has started this process. The variables of a Slurm allocation
/// (SLURM_NTASKS) say nothing of it: in a batch script a program may well run alone, and on another
/// node mpirun's ranks see SLURM_NTASKS=1. Under mpirun in Slurm mpirun's own variables count.
std::optional<LaunchedTasks> launched_tasks(const Environment& environment);

/// Whether this process does what one does for all: of tasks that were started together the first.
bool is_first(const std::optional<LaunchedTasks>& tasks);

/// The MPI that this program was built with: "Open MPI 4.1".
std::string built_with();

/// Asked before MPI begins. Throws UsageError where several tasks cannot find each other: under the
/// launcher of another MPI, or under srun without PMIx.
void require_meeting(const std::optional<LaunchedTasks>& tasks);

/// library: what MPI says of itself. Throws UsageError where it is not the MPI that this program
/// was built with, found by LD_LIBRARY_PATH under the same file name.
void require_built_library(const std::string& library);

/// What MpiEnvironment asks of tasks that each found themselves alone. Throws UsageError where
/// there are several: all would compute, and write, the same.
void require_single(const std::optional<LaunchedTasks>& tasks);

}  // namespace explaind
