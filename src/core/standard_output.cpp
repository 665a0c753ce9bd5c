#include "core/standard_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ext/stdio_sync_filebuf.h>
#include <iostream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

/// The descriptor, and the first thing that went wrong there.
struct Sink {
  int failure = 0;

  void write(const char* bytes, size_t count) {
    while (count > 0 && failure == 0) {
      const ssize_t written = ::write(STDOUT_FILENO, bytes, count);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        failure = errno;
        return;
      }
      bytes += written;
      count -= static_cast<size_t>(written);
    }
  }
};

/// Everything has been written as far as C's library is concerned.
ssize_t write_to_sink(void* sink, const char* bytes, size_t count) {
  static_cast<Sink*>(sink)->write(bytes, count);
  return static_cast<ssize_t>(count);
}

void open_closed_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;  // NOLINT: variadic in C
    // Standard output for reading alone: what is written there is to fail, as it would have.
    const int mode = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    static_cast<void>(::open("/dev/null", mode));  // NOLINT: variadic in C; takes the lowest free
  }
}

}  // namespace

struct StandardOutput::State {
  Sink sink;
  FILE *before = nullptr, *stream = nullptr;
  std::streambuf* buffer_before = nullptr;
  std::optional<__gnu_cxx::stdio_sync_filebuf<char>> buffer;
};

StandardOutput::StandardOutput() : state_(std::make_unique<State>()) {
  open_closed_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  std::fflush(stdout);
  state_->before = stdout;
  state_->stream =
      fopencookie(&state_->sink, "w",
                  {.read = nullptr, .write = write_to_sink, .seek = nullptr, .close = nullptr});
  if (state_->stream == nullptr) return;  // no memory: as without this
  const bool lines = ::isatty(STDOUT_FILENO) == 1;
  constexpr size_t size = size_t{1} << 16;
  static_cast<void>(std::setvbuf(state_->stream, nullptr, lines ? _IOLBF : _IOFBF, size));
  stdout = state_->stream;
  state_->buffer.emplace(state_->stream);
  state_->buffer_before = std::cout.rdbuf(&*state_->buffer);
}

StandardOutput::~StandardOutput() {
  if (state_->stream == nullptr) return;
  std::fflush(state_->stream);
  std::cout.rdbuf(state_->buffer_before);
  stdout = state_->before;
  std::fclose(state_->stream);
}

void StandardOutput::finish() {
  if (state_->stream != nullptr) std::fflush(state_->stream);
  int& failure = state_->sink.failure;
  // Some file systems say only when a descriptor is closed that there was no room.
  const int copy = failure == 0 ? ::dup(STDOUT_FILENO) : -1;
  if (copy >= 0 && ::close(copy) != 0) failure = errno;
  if (failure == 0 || failure == EPIPE) return;
  throw DataError("standard output",
                  "cannot be written: " + std::generic_category().message(failure),
                  "What was printed is not complete; send it where there is room");
}

void say_line(std::string text) {
  text += '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;  // there is nobody to tell
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace explaind
