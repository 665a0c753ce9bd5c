#pragma once
// A file or a folder that a library writes by its name, and that appears complete or not at all.

#include <filesystem>

namespace explaind {

/// A name of this process's own beside `path` (core/unfinished.hpp). What was written there takes
/// the name `path` when publish() is reached, and is removed otherwise. A file takes the place of a
/// file; a folder of nothing. Throws DataError where something else is at `path`, and where the
/// system refuses.
class NewPlace {
 public:
  enum class Kind { file, folder };
  NewPlace(const std::filesystem::path& path, Kind kind);
  ~NewPlace();
  NewPlace(const NewPlace&) = delete;
  NewPlace& operator=(const NewPlace&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::filesystem::path& unfinished() const { return unfinished_; }
  /// Syncs what was written, and puts it in its place.
  void publish();

 private:
  std::filesystem::path path_, unfinished_;
  Kind kind_;
  bool published_ = false;
};

}  // namespace explaind
