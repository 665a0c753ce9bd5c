#include "claims/flock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/error.hpp"

namespace explaind {
namespace {

/// Linux's own, which some file systems let through to programs.
constexpr int kernel_enotsupp = 524;

bool means_unsupported(int code) {
  return code == ENOSYS || code == ENOLCK || code == EOPNOTSUPP || code == kernel_enotsupp;
}

}  // namespace

FlockFile::FlockFile(const std::filesystem::path& file, bool create) : file_(file) {
  constexpr int mode = 0666;  // the umask says what is left of it
  // NOLINTNEXTLINE: variadic in C
  descriptor_ = open(file.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), mode);
  if (descriptor_ < 0) {
    throw DataError(file.string(), std::string("cannot be opened: ") + std::strerror(errno),
                    "Check the permissions of its folder, and its free space");
  }
}

FlockFile::~FlockFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

FlockFile::Outcome FlockFile::lock(Mode mode) {
  while (flock(descriptor_, (mode == Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    const int failure = errno;
    if (failure == EINTR) continue;
    if (failure == EWOULDBLOCK) return Outcome::taken;
    if (means_unsupported(failure)) {
      reason_ = failure == kernel_enotsupp ? "Operation not supported" : std::strerror(failure);
      return Outcome::unsupported;
    }
    throw DataError(file_.string(), std::string("cannot be locked: ") + std::strerror(failure),
                    "Check the file system");
  }
  return Outcome::locked;
}

bool FlockFile::is_in_place() const {
  struct stat here = {}, there = {};
  return fstat(descriptor_, &here) == 0 && stat(file_.c_str(), &there) == 0 &&
         here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

std::string FlockFile::text() const {
  std::array<char, 4096> bytes{};
  const ssize_t size = pread(descriptor_, bytes.data(), bytes.size(), 0);
  return size <= 0 ? std::string() : std::string(bytes.data(), static_cast<size_t>(size));
}

void FlockFile::write(const std::string& text) const {
  // In the place of what is there, so that a file left by a killed run needs no new space.
  const auto size = static_cast<ssize_t>(text.size());
  // Synced, since the mark says whose unfinished files are to be removed after a power failure too.
  const bool written = pwrite(descriptor_, text.data(), text.size(), 0) == size &&
                       ftruncate(descriptor_, size) == 0 && fsync(descriptor_) == 0;
  if (!written) {
    throw DataError(file_.string(), std::string("cannot be written: ") + std::strerror(errno),
                    "Free space, or choose another path");
  }
}

bool flock_is_wanted() {
  const char* value = std::getenv("HDF5_USE_FILE_LOCKING");
  return value == nullptr || (std::strcmp(value, "FALSE") != 0 && std::strcmp(value, "0") != 0);
}

}  // namespace explaind
