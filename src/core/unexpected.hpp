#pragma once
// What a user is told when something went wrong that nobody foresaw: one message, no stack frames.

#include <exception>
#include <string>

#include "core/error.hpp"

namespace explaind {

/// Whether EXPLAIND_DEBUG is set, to something other than 0 or nothing: stack frames are wanted.
bool wants_frames();

/// The message of any exception. Of an Error its own. Of failing memory, a lost device or a failing
/// system call what failed, and what to do. Of all others, which are faults of the program, what
/// they say (in plain text: frames that LibTorch adds are cut), with the request to report it and
/// the version; with EXPLAIND_DEBUG=1 all of it.
std::string message_of(const std::exception& error);

/// The exit code of any exception: an Error's own; ExitCode::lost where the text says, in the words
/// of CUDA or its driver, that a device is gone or its memory damaged, whoever says it; else
/// ExitCode::failure.
ExitCode exit_code_of(const std::exception& error);

/// Makes exceptions that nobody catches, on any thread, and fatal signals (SIGSEGV, SIGBUS, SIGFPE,
/// SIGILL, SIGABRT) print one message on standard error before the process ends: in place of what
/// the C++ library and Open MPI would print. To be called after MPI_Init, which installs handlers
/// of its own; with EXPLAIND_DEBUG=1 it leaves those.
void speak_before_the_end();

}  // namespace explaind
