#include "store/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "claims/flock_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

int open_for(int what, const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), what | O_CLOEXEC);  // NOLINT: variadic in C
  if (descriptor < 0) {
    throw DataError(file.string(), std::string("cannot be opened: ") + std::strerror(errno),
                    "Check the path and its permissions");
  }
  return descriptor;
}

int open_for_reading(const std::filesystem::path& file) { return open_for(O_RDONLY, file); }

}  // namespace

FileLock::FileLock(const std::filesystem::path& file) {
  close(open_for(O_RDWR, file));
  if (!flock_is_wanted()) return;
  descriptor_ = open_for_reading(file);
  if (flock(descriptor_, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(std::exchange(descriptor_, -1));
  throw DataError(file.string(), "is open for writing in another program",
                  "Close it there, or choose another --store");
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

namespace hdf5 {

Handle unlocked_access() {
  Handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "HDF5", "H5Pcreate");
  check(H5Pset_file_locking(list.get(), false, true), "HDF5", "H5Pset_file_locking");
  check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG), "HDF5", "H5Pset_fclose_degree");
  return list;
}

namespace {

/// With HDF5's lock where that works, else without.
Handle locked_where_possible(const std::filesystem::path& file) {
  if (flock_is_wanted()) {
    const int descriptor = open_for_reading(file);
    const bool works = flock(descriptor, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK;
    const int failure = errno;
    close(descriptor);
    if (works) {
      return {H5Pcreate(H5P_FILE_ACCESS), H5Pclose, file.string(), "H5Pcreate"};
    }
    const char* asked = std::getenv("HDF5_USE_FILE_LOCKING");
    const bool passed_over =
        asked == nullptr || (std::strcmp(asked, "BEST_EFFORT") == 0 && failure == ENOSYS);
    if (!passed_over) {
      throw DataError(file.string(),
                      "its file system has no flock, and HDF5_USE_FILE_LOCKING=" +
                          std::string(asked) + " asks HDF5 for it",
                      "Set HDF5_USE_FILE_LOCKING=FALSE, or unset it");
    }
  }
  return unlocked_access();
}

}  // namespace

Handle reading_access(const std::filesystem::path& file) {
  // HDF5 reads 64 KiB of a contiguous variable for every row that is shorter: a page is enough,
  // since queries join what lies close together themselves.
  constexpr size_t page = 4096;
  Handle list = locked_where_possible(file);
  check(H5Pset_sieve_buf_size(list.get(), page), file.string(), "H5Pset_sieve_buf_size");
  return list;
}

}  // namespace hdf5
}  // namespace explaind
