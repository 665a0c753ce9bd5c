#pragma once
// Signals that ask the program to stop.

#include "core/stop_flag.hpp"

namespace explaind {

/// Makes Ctrl-C (SIGINT), SIGTERM and SIGUSR1 a request to stop for the rest of the process's life:
/// they raise the flag that is returned, which is the process's own. At the first one `said` is
/// written to standard error, from inside the handler; it must live for ever; null: nothing is
/// said. A second SIGINT ends the process at once.
const StopFlag& stop_on_signals(const char* said);

}  // namespace explaind
