#pragma once
// Signals that ask the program to stop: SIGTERM, SIGUSR1, and Ctrl-C (SIGINT).
//
// Schedulers send them at any time, so they are listened to from the first line of main on, before
// MPI begins: what a signal does by itself is to end a process without a word.

#include <functional>
#include <optional>

#include "core/stop_flag.hpp"

namespace explaind {

/// From here on SIGTERM and SIGUSR1 end this process at once, with exit code 75: for what keeps
/// nothing that could be gone on with. Ctrl-C ends it as it does any program.
void end_at_signals();

/// From here on signals raise the process's flag, which is looked at later (stop_on_signals).
void remember_signals();

/// Signals are a request to stop for the rest of the process's life: they raise the flag that is
/// returned, which is the process's own, and may be up already. At the first one `said` is written
/// to standard error, from inside the handler; it must live for ever; null: nothing is said. A
/// second SIGINT ends the process at once.
///
/// grace: seconds after SIGTERM in which what is in work may be finished; then the process ends
/// with exit code 75 and what is not finished is given up. None: the launcher's own,
/// grace_of_launcher().
const StopFlag& stop_on_signals(const char* said, std::optional<double> grace = {});

/// Seconds between SIGTERM and SIGKILL that whoever started this process leaves it: 1 under mpirun,
/// which kills 1 to 2 s later; 25 under srun (Slurm's KillWait is 30); else 8 (containers have 10).
double grace_of_launcher(const std::function<const char*(const char*)>& environment);

}  // namespace explaind
