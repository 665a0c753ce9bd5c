#include "store/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "core/error.hpp"

namespace explaind {
namespace {

/// 0, or errno.
int acquire(int descriptor, FileLock::Mode mode, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (flock(descriptor, (mode == FileLock::Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    const int failure = errno;
    if (failure != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline) return failure;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return 0;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& file, Mode mode, std::chrono::milliseconds patience)
    : descriptor_(open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw DataError(file.string(), std::string("cannot be opened: ") + std::strerror(errno),
                    "Check the path and its permissions");
  }
  if (const int failure = acquire(descriptor_, mode, patience); failure != 0) {
    close(descriptor_);
    throw DataError(file.string(),
                    failure == EWOULDBLOCK
                        ? std::string("is in use by another program")
                        : std::string("cannot be locked: ") + std::strerror(failure),
                    "Wait until the run that writes it has ended, close programs that read it, or "
                    "choose another --store");
  }
}

void FileLock::share() { acquire(descriptor_, Mode::shared, {}); }

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace explaind
