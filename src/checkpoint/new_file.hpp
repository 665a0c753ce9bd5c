#pragma once
// A file that appears under its name complete or not at all.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace explaind {

/// Written to a name of this process's own (core/unfinished.hpp), synced, renamed, directory
/// synced; a reader or a crash sees the old file, the new one or none. Removed unless publish() is
/// reached. A device or a pipe that is there is written into. Every call throws DataError naming
/// the file and the system's reason where it fails.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::span<const std::byte> bytes);
  /// Puts the complete file in its place.
  void publish();

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  bool published_ = false, in_place_ = false;
};

/// Writes a new file with the whole text.
void write_text_file(const std::filesystem::path& path, std::string_view text);
/// Writes a new file with the bytes of another one, which is small.
void write_copy(const std::filesystem::path& source, const std::filesystem::path& path);

}  // namespace explaind
