#include "app/stop_signals.hpp"

#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "comm/launcher.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

// A handler is given nothing but the signal's number, so what it changes belongs to the process.
StopFlag requested;
std::atomic<const char*> words{nullptr};
std::atomic<bool> ends_at_once{false};
std::atomic<bool> speaks{false};
static_assert(std::atomic<const char*>::is_always_lock_free);  // used in a signal handler

/// Counts the grace after SIGTERM. Made before it is needed: a handler may set a timer, not make
/// one.
timer_t timer;
std::atomic<int64_t> grace_nanoseconds{0};
bool timer_made = false;

void say(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) {
    // There is nobody to tell.
  }
}

[[noreturn]] void leave() { _exit(static_cast<int>(ExitCode::stopped)); }

void on_grace_over(int /*signal*/) {
  if (speaks) {
    say("stopped: what was in work when SIGTERM came took longer than --grace and is given up; "
        "what "
        "was finished is kept\n");
  }
  leave();
}

void begin_grace() {
  const int64_t nanoseconds = grace_nanoseconds;
  constexpr int64_t second = 1'000'000'000;
  itimerspec after = {};
  after.it_value.tv_sec = static_cast<time_t>(nanoseconds / second);
  after.it_value.tv_nsec = static_cast<long>(nanoseconds % second);
  timer_settime(timer, 0, &after, nullptr);
}

void on_signal(int signal) {
  const int before = errno;
  if (ends_at_once) {
    if (speaks) say("stopped on request\n");
    leave();
  }
  const bool again = requested.raise_once();
  if (signal == SIGTERM && timer_made) begin_grace();
  if (again) {
    if (signal == SIGINT) {
      struct sigaction action = {};
      action.sa_handler = SIG_DFL;
      sigaction(SIGINT, &action, nullptr);
      raise(SIGINT);  // held back until the handler returns
    }
  } else if (const char* said = words; said != nullptr) {
    say(said);
  }
  errno = before;
}

void listen_to(std::initializer_list<int> signals, void (*handler)(int)) {
  for (const int signal : signals) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

void set_grace(double seconds) {
  grace_nanoseconds = static_cast<int64_t>(std::fmin(std::fmax(seconds, 1e-3), 1e9) * 1e9);
  if (timer_made) return;
  listen_to({SIGALRM}, on_grace_over);
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  timer_made = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

/// One of several ranks speaks of what all of them see.
bool speaks_for_all() { return is_first(launched_tasks(std::getenv)); }

}  // namespace

void end_at_signals() {
  speaks = speaks_for_all();
  ends_at_once = true;
  listen_to({SIGTERM, SIGUSR1}, on_signal);
}

void remember_signals() {
  speaks = speaks_for_all();
  ends_at_once = false;
  set_grace(grace_of_launcher(std::getenv));
  listen_to({SIGINT, SIGTERM, SIGUSR1}, on_signal);
}

const StopFlag& stop_on_signals(const char* said, std::optional<double> grace) {
  remember_signals();
  if (grace) set_grace(*grace);
  words = said;
  if (requested.raised() && said != nullptr) say(said);  // it came before there were words for it
  return requested;
}

double grace_of_launcher(const std::function<const char*(const char*)>& environment) {
  if (environment("OMPI_COMM_WORLD_SIZE") != nullptr) return 1;
  if (environment("SLURM_STEP_NUM_TASKS") != nullptr) return 25;
  return 8;
}

}  // namespace explaind
