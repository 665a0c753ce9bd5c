#include "store/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace explaind {

FileLock::FileLock(const std::filesystem::path& file, Mode mode)
    : descriptor_(open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw DataError(file.string(), std::string("cannot be opened: ") + std::strerror(errno),
                    "Check the path and its permissions");
  }
  if (flock(descriptor_, (mode == Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    const int failure = errno;
    close(descriptor_);
    throw DataError(file.string(),
                    failure == EWOULDBLOCK
                        ? std::string("is in use by another program")
                        : std::string("cannot be locked: ") + std::strerror(failure),
                    "Wait until the run that writes it has ended, close programs that read it, or "
                    "choose another --store");
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace explaind
