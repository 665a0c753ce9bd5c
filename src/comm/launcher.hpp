#pragma once
// What the program that started this one says about it, in the environment.

#include <cstdint>
#include <optional>
#include <string>

#include "machine/environment.hpp"

namespace explaind {

/// Tasks that were started together.
struct LaunchedTasks {
  std::string launcher;  ///< "srun", "mpirun" or "a launcher of MPI programs"
  std::string variable;  ///< that says how many, as "SLURM_STEP_NUM_TASKS=4"
  int64_t count = 1, rank = 0;
  bool pmix = false;  ///< it speaks what this program's MPI understands
};

/// Nothing where no launcher has started this process. The variables of a Slurm allocation
/// (SLURM_NTASKS) say nothing of it: in a batch script a program may well run alone, and on another
/// node mpirun's ranks see SLURM_NTASKS=1. Under mpirun in Slurm mpirun's own variables count.
std::optional<LaunchedTasks> launched_tasks(const Environment& environment);

/// What MpiEnvironment asks of tasks that each found themselves alone. Throws UsageError where
/// there are several: all would compute, and write, the same.
void require_single(const std::optional<LaunchedTasks>& tasks);

}  // namespace explaind
