#pragma once
// Who writes a path: one run at a time, by all its processes, on any file system.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "claims/flock_file.hpp"
#include "claims/marks_folder.hpp"

namespace explaind {

/// A claim on a file that may not be there yet, or on a folder. Held by the process that took it
/// and by those of the same run that joined; another run gets it when all of them have ended,
/// however they ended. It is PATH.lock beside a file and .lock in a folder, whatever name the path
/// was called by: a file under flock, or a MarksFolder where flock does not work, where
/// HDF5_USE_FILE_LOCKING says FALSE, and where a MarksFolder is there already. A killed run leaves
/// it; the next one recognises that and removes what the killed one had not finished
/// (leftovers.hpp).
class PathClaim {
 public:
  /// Throws DataError: another run has it; the folder is missing or cannot be written.
  static PathClaim take(const std::filesystem::path& path, const ClaimWait& wait = {});
  /// For another process of the run whose first one took it: owner() of that one.
  static PathClaim join(const std::filesystem::path& path, const std::string& owner,
                        const MarkTimes& times = {});
  ~PathClaim();
  PathClaim(PathClaim&&) noexcept = default;
  PathClaim& operator=(PathClaim&&) = delete;

  /// The tag of the process that took it.
  [[nodiscard]] const std::string& owner() const { return owner_; }
  /// To be asked before each write. Throws DataError where another run has taken the path
  /// meanwhile, having found this process unchanged for so long that it took it for dead, and where
  /// that cannot be excluded.
  void require_held() const;

 private:
  PathClaim(std::filesystem::path path, std::filesystem::path lock, std::string owner)
      : path_(std::move(path)), lock_(std::move(lock)), owner_(std::move(owner)) {}
  void take_now(const ClaimWait& wait);
  [[nodiscard]] MarksFolder::Hold hold_of_file() const;
  bool take_by_flock(const ClaimWait& wait, std::vector<std::string>& dead);
  void take_by_marks(const std::string& reason, const ClaimWait& wait,
                     std::vector<std::string>& dead);

  std::filesystem::path path_, lock_;  ///< real paths
  std::string owner_;
  std::optional<FlockFile> flock_;  ///< locked
  std::string no_flock_;            ///< why it is not used
  std::unique_ptr<MarksFolder> marks_;
};

/// The file or folder that claims `path`.
std::filesystem::path lock_path(const std::filesystem::path& path);

/// The name of a folder's claim in the folder.
inline constexpr const char* lock_in_folder = ".lock";

}  // namespace explaind
