#include "checkpoint/lost_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// All of it may run in a signal handler: it neither allocates nor locks.

namespace explaind {
namespace {

struct sigaction before;  ///< what was done with SIGBUS before

/// The characters of /proc/self/maps, one after the other.
class Maps {
 public:
  Maps() : file_(open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
  ~Maps() {
    if (file_ >= 0) close(file_);
  }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;
  /// '\0' at the end.
  char next() {
    if (at_ == size_) {
      const ssize_t got = file_ < 0 ? 0 : read(file_, buffer_.data(), buffer_.size());
      if (got <= 0) return '\0';
      size_ = static_cast<size_t>(got);
      at_ = 0;
    }
    return buffer_[at_++];
  }

 private:
  int file_;
  std::array<char, 4096> buffer_;
  size_t at_ = 0, size_ = 0;
};

using Line = std::array<char, 4400>;

/// Reads hexadecimal digits and the character after them.
uintptr_t number(std::string_view& text) {
  uintptr_t value = 0;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) break;
    value = value * 16 + static_cast<uintptr_t>(digit);
  }
  return value;
}

/// The path of the file that is mapped at an address, within `line`; empty where none is.
/// A line of maps: BEGIN-END PERMISSIONS OFFSET DEVICE INODE PATH.
std::string_view file_at(uintptr_t address, Line& line) {
  Maps maps;
  for (size_t length = 0;;) {
    const char c = maps.next();
    if (c != '\n' && c != '\0') {
      if (length < line.size()) line[length++] = c;
      continue;
    }
    std::string_view text(line.data(), length);
    length = 0;
    const uintptr_t begin = number(text), end = number(text);
    if (address >= begin && address < end) {
      const size_t path = text.find('/');
      return path == std::string_view::npos ? std::string_view() : text.substr(path);
    }
    if (c == '\0') return {};
  }
}

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void on_bus_error(int /*signal*/, siginfo_t* info, void* /*context*/) {
  Line line;
  const std::string_view file = file_at(reinterpret_cast<uintptr_t>(info->si_addr), line);
  if (file.empty()) {
    sigaction(SIGBUS, &before, nullptr);  // the access is made again, and meets it
    return;
  }
  say("error: ");
  say(file);
  say(": was cut short while it was being read, or its disk failed. Leave the files alone while "
      "the program runs, and start it again\n");
  _exit(1);
}

}  // namespace

void name_lost_files() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
}

}  // namespace explaind
