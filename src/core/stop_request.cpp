#include "core/stop_request.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace explaind {
namespace {

std::atomic<bool> requested{false};
std::atomic<const char*> words{nullptr};
static_assert(std::atomic<bool>::is_always_lock_free);  // used in a signal handler
static_assert(std::atomic<const char*>::is_always_lock_free);

void on_signal(int signal) {
  const int before = errno;
  if (requested.exchange(true)) {
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

void stop_on_signals(const char* said) {
  words = said;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

bool stop_requested() { return requested; }

void require_not_stopped() {
  if (requested) throw StopRequested("stopped on request");
}

}  // namespace explaind
