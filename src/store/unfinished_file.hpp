#pragma once
// A file that appears under its name when it is complete.

#include <filesystem>
#include <string>

namespace explaind {

/// A name for a file that is being written beside `target`. What is there is removed unless it is
/// moved to its place: what was never complete does not stay.
class UnfinishedFile {
 public:
  explicit UnfinishedFile(std::filesystem::path target);
  ~UnfinishedFile();
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Renames it to the target, which it replaces, and syncs the folder. Throws DataError; `remedy`
  /// is that of a folder that cannot be synced.
  void move_to_place(const std::string& remedy);

 private:
  std::filesystem::path target_, path_;
  bool moved_ = false;
};

}  // namespace explaind
