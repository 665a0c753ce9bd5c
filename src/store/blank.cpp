#include "store/blank.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "core/error.hpp"

namespace explaind {
namespace {

/// 0, or errno.
int write_all(int descriptor, const unsigned char* data, uint64_t bytes, uint64_t offset) {
  while (bytes > 0) {
    const ssize_t written = pwrite(descriptor, data, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data += written;
    offset += static_cast<uint64_t>(written);
    bytes -= static_cast<uint64_t>(written);
  }
  return 0;
}

int fill(int descriptor, const Blank& blank) {
  constexpr uint64_t at_once = uint64_t{4} << 20;  // a multiple of every width
  std::vector<unsigned char> values(std::min(at_once, blank.bytes));
  for (size_t i = 0; i < values.size(); ++i) values[i] = blank.value.at(i % blank.width);
  for (uint64_t done = 0; done < blank.bytes; done += at_once) {
    const uint64_t bytes = std::min(at_once, blank.bytes - done);
    if (const int failure = write_all(descriptor, values.data(), bytes, blank.offset + done)) {
      return failure;
    }
  }
  return 0;
}

}  // namespace

void preallocate(const std::filesystem::path& path, const std::vector<Blank>& blanks) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status = {};
  int failure = descriptor < 0 || fstat(descriptor, &status) != 0 ? errno : 0;
  if (failure == 0) failure = posix_fallocate(descriptor, 0, status.st_size);
  for (size_t i = 0; i < blanks.size() && failure == 0; ++i) failure = fill(descriptor, blanks[i]);
  if (failure == 0 && fsync(descriptor) != 0) failure = errno;
  if (descriptor >= 0 && close(descriptor) != 0 && failure == 0) failure = errno;
  if (failure != 0) {
    throw DataError(path.string(), std::string("cannot be allocated: ") + std::strerror(failure),
                    "Free space, or choose another --store");
  }
}

}  // namespace explaind
