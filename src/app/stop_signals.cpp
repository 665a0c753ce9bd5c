#include "app/stop_signals.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace explaind {
namespace {

// A handler is given nothing but the signal's number, so what it changes belongs to the process.
StopFlag requested;
std::atomic<const char*> words{nullptr};
static_assert(std::atomic<const char*>::is_always_lock_free);  // used in a signal handler

void on_signal(int signal) {
  const int before = errno;
  if (requested.raise_once()) {
    if (signal == SIGINT) {
      struct sigaction action = {};
      action.sa_handler = SIG_DFL;
      sigaction(SIGINT, &action, nullptr);
      raise(SIGINT);  // held back until the handler returns
    }
  } else if (const char* said = words; said != nullptr) {
    if (write(STDERR_FILENO, said, std::strlen(said)) < 0) {
      // There is nobody to tell.
    }
  }
  errno = before;
}

}  // namespace

const StopFlag& stop_on_signals(const char* said) {
  words = said;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
  return requested;
}

}  // namespace explaind
