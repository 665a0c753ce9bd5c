#pragma once
// The folder beside a store for files that a run needs while it lasts.

#include <filesystem>
#include <string>

#include "comm/communicator.hpp"
#include "job/store_claim.hpp"

namespace explaind {

/// STORE.TAG.NAME, made by rank 0 and removed with this. TAG is of the run that has claimed the
/// store, so that the folder is nobody else's; who takes the store after a killed run removes it.
class ScratchFolder {
 public:
  /// Throws DataError on all ranks where it cannot be made. @collective over world
  ScratchFolder(const std::string& name, const StoreClaim& claim, const Communicator& world);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool made_ = false;  ///< by this rank
};

}  // namespace explaind
