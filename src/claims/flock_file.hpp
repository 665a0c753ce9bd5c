#pragma once
// A lock of the kernel's on a file: gone with the process, whatever ends it.

#include <filesystem>
#include <string>
#include <utility>

namespace explaind {

/// An open file that may be locked. Mode::shared: several processes at once.
class FlockFile {
 public:
  enum class Mode { shared, exclusive };
  enum class Outcome { locked, taken, unsupported };

  /// Opens, and makes it where `create` is set. Throws DataError where that fails.
  FlockFile(const std::filesystem::path& file, bool create);
  FlockFile(FlockFile&& other) noexcept
      : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  FlockFile& operator=(FlockFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  FlockFile(const FlockFile&) = delete;
  FlockFile& operator=(const FlockFile&) = delete;
  ~FlockFile();

  /// Does not wait. unsupported: the file system has no flock, or none that works (Lustre mounted
  /// without it, NFS without its daemon). Throws DataError for other failures.
  Outcome lock(Mode mode);
  /// False once moved from.
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  /// Whether the path still leads to this file: another process may have removed it meanwhile.
  [[nodiscard]] bool is_in_place() const;
  [[nodiscard]] std::string text() const;
  /// In place of what is there. Throws DataError.
  void write(const std::string& text) const;
  /// Why flock was not supported.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::string reason_;
};

/// False where HDF5_USE_FILE_LOCKING asks HDF5 for no locks (FALSE or 0): there flock is not
/// trusted.
bool flock_is_wanted();

}  // namespace explaind
