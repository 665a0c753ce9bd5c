#pragma once
// A disk that is full, or fails, from some call on: played by tests/system/kill_at_write.c, which
// stands before the C library in the programs that link it.

#include <cerrno>
#include <cstdlib>
#include <string>

extern "C" {
void kill_at_write_begin(void);
long kill_at_write_calls(void);
}

namespace explaind::testing {

/// While it lives calls that change files fail, from the n-th on, where the path contains `name`.
class FailingDisk {
 public:
  static constexpr long never = 1L << 40;

  FailingDisk(const std::string& name, long n, int code) {
    setenv("KILL_FILE", name.c_str(), 1);
    setenv("KILL_AT", std::to_string(n).c_str(), 1);
    setenv("KILL_ERRNO", std::to_string(code).c_str(), 1);
    kill_at_write_begin();
  }
  ~FailingDisk() { unsetenv("KILL_FILE"); }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  /// Calls that have been seen.
  [[nodiscard]] long calls() const { return kill_at_write_calls(); }
};

/// Of a disk, and the words that a message must have. What fails takes the same way whatever the
/// cause, so that every call is tried with one of them, and every step-th with the others.
struct DiskFault {
  const char* name;
  int code;
  const char* words;
  long step;
};
inline constexpr DiskFault disk_faults[] = {{"ENOSPC", ENOSPC, "No space left on device", 1},
                                            {"EIO", EIO, "Input/output error", 7},
                                            {"EDQUOT", EDQUOT, "Disk quota exceeded", 11}};

}  // namespace explaind::testing
