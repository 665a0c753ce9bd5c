#pragma once
// A request to stop, by a signal: what is being computed is finished and kept, nothing more begins.

#include "core/error.hpp"

namespace explaind {

/// Makes Ctrl-C (SIGINT), SIGTERM and SIGUSR1 a request to stop for the rest of the process's life.
/// At the first one `said` is written to standard error, from inside the handler; it must live for
/// ever; null: nothing is said. A second SIGINT ends the process at once.
void stop_on_signals(const char* said);

/// True from the first signal on.
bool stop_requested();

/// Thrown where a stop is noticed: exit code 75. Not a failure.
class StopRequested : public Error {
 public:
  explicit StopRequested(const std::string& said) : Error("", said, "", ExitCode::stopped) {}
};

/// Throws StopRequested("stopped on request") where a stop is asked for.
void require_not_stopped();

}  // namespace explaind
