#pragma once
// Advisory lock on a store: writers share it, replacing the store takes it alone. (flock is
// unreliable on NFS.)

#include <chrono>
#include <filesystem>
#include <utility>

namespace explaind {

class FileLock {
 public:
  enum class Mode { shared, exclusive };
  /// Waits up to `patience`. Throws DataError where the file cannot be opened, or another process
  /// still holds it then.
  FileLock(const std::filesystem::path& file, Mode mode, std::chrono::milliseconds patience = {});
  /// Lets others share it from now on.
  void share();
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

}  // namespace explaind
