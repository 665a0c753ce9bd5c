#pragma once
// A process that claims a path while a test looks on: claims exclude processes, so one is not
// enough.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>

namespace explaind::testing {

/// Runs `work` in a child until it is ended; work returns what keeps the claim, or throws.
class OtherProcess {
 public:
  /// Returns once `work` has returned or thrown.
  template <typename Work>
  explicit OtherProcess(Work work) {
    int ready[2] = {}, end[2] = {};
    if (pipe(ready) != 0 || pipe(end) != 0) throw std::runtime_error("pipe");
    child_ = fork();
    if (child_ == 0) {
      close(ready[0]);
      close(end[1]);
      try {
        const auto kept = work();
        char said = '+';
        if (write(ready[1], &said, 1) != 1) _exit(3);
        if (read(end[0], &said, 1) < 0) _exit(3);
      } catch (const std::exception&) {
        const char said = '-';
        if (write(ready[1], &said, 1) != 1) _exit(3);
        _exit(1);
      }
      _exit(0);
    }
    close(ready[1]);
    close(end[0]);
    end_ = end[1];
    char said = 0;
    worked_ = read(ready[0], &said, 1) == 1 && said == '+';
    close(ready[0]);
  }
  ~OtherProcess() { finish(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  [[nodiscard]] bool worked() const { return worked_; }
  void signal(int number) const { kill(child_, number); }
  /// It lets go of what it keeps, as a program that ends well.
  void finish() {
    if (child_ == 0) return;
    close(end_);
    wait();
  }
  void kill_it() {
    kill(child_, SIGKILL);
    wait();
    close(end_);
  }

 private:
  void wait() {
    waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  pid_t child_ = 0;
  int end_ = -1;
  bool worked_ = false;
};

}  // namespace explaind::testing
