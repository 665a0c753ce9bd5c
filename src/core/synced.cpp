#include "core/synced.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.hpp"

namespace explaind {
namespace {

/// 0, or errno.
int sync_what(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);  // NOLINT: variadic
  if (descriptor < 0) return errno;
  const int failure = ::fsync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  return failure;
}

[[noreturn]] void refuse(const std::filesystem::path& path, int failure,
                         const std::string& remedy) {
  throw DataError(path.string(),
                  "cannot be synced to disk: " + std::generic_category().message(failure), remedy);
}

}  // namespace

void sync_file(const std::filesystem::path& file, const std::string& remedy) {
  if (const int failure = sync_what(file, 0)) refuse(file, failure, remedy);
}

void sync_directory(const std::filesystem::path& folder, const std::string& remedy) {
  const int failure = sync_what(folder, O_DIRECTORY);
  if (failure == 0 || failure == EINVAL || failure == EACCES || failure == EOPNOTSUPP) return;
  refuse(folder, failure, remedy);
}

}  // namespace explaind
