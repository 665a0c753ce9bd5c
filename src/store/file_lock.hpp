#pragma once
// The flock that HDF5 takes of files it opens, and what is done where there is none. Who writes a
// store is decided by its claim (claims/path_claim.hpp), not here.

#include <filesystem>
#include <utility>

#include "store/hdf5.hpp"

namespace explaind {

/// Keeps other HDF5 programs from opening a store for writing while a run writes it; they may read.
/// Nothing where the file system has no flock, and where HDF5_USE_FILE_LOCKING says FALSE.
class FileLock {
 public:
  /// Throws DataError where the file cannot be opened for writing, or a program has it open so: a
  /// rank that notices only in MPI_File_open leaves the others waiting there for ever.
  explicit FileLock(const std::filesystem::path& file);
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

namespace hdf5 {

/// File access without HDF5's own lock, which fails where there is no flock (HDF5 1.10 passes over
/// ENOSYS alone), and closing all that was opened. The variable HDF5_USE_FILE_LOCKING has the last
/// word.
Handle unlocked_access();

/// Access for reading of what is asked for and little more, with HDF5's lock where that works.
/// Throws DataError where it does not and HDF5_USE_FILE_LOCKING insists on it.
Handle reading_access(const std::filesystem::path& file);

}  // namespace hdf5
}  // namespace explaind
