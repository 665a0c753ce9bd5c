#pragma once
// The folder beside a store for files that a run needs while it lasts.

#include <filesystem>
#include <optional>
#include <string>

#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "store/file_lock.hpp"

namespace explaind {

/// STORE.NAME, made empty by rank 0, which holds a lock in it; removed with this. What a killed run
/// has left there goes first.
class ScratchFolder {
 public:
  /// Throws DataError on all ranks: the store exists and is neither gone on with nor replaced, the
  /// folder cannot be made, another run is at it. @collective over world
  ScratchFolder(const DecomposeOptions& options, const std::string& name,
                const Communicator& world);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<FileLock> lock_;  ///< of the rank that made the folder
};

}  // namespace explaind
