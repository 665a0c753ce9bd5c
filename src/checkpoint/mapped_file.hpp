#pragma once
// A file mapped read-only into memory.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace explaind {

/// Unmapped on destruction; the descriptor is closed at once, so a series of thousands of files
/// needs no more than one. A file that others cut
/// short meanwhile ends the program (lost_file.hpp).
class MappedFile {
 public:
  /// Throws DataError where the file cannot be opened, is no regular file, or cannot be mapped.
  explicit MappedFile(std::filesystem::path path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile(MappedFile&&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Modification time in nanoseconds since 1970 (UTC), as it was when the file was opened.
  [[nodiscard]] int64_t modified() const { return modified_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  int64_t modified_ = 0;
};

}  // namespace explaind
