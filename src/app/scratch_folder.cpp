#include "app/scratch_folder.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "core/error.hpp"

namespace explaind {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder(const DecomposeOptions& options, const std::string& name,
                             const Communicator& world)
    : path_(options.store + "." + name) {
  agree(world, [&] {
    if (world.rank() != 0) return;
    if (fs::exists(options.store) && !options.resume && !options.overwrite) {
      throw DataError(
          options.store, "the store exists",
          "Use --resume to go on with it, --overwrite to replace it, or another --store");
    }
    std::error_code failure;
    fs::create_directories(path_, failure);
    const fs::path lock = path_ / "lock";
    errno = failure.value();
    if (failure || !std::ofstream(lock, std::ios::app)) {
      throw DataError(path_.string(), std::string("cannot be made: ") + std::strerror(errno),
                      "Check --store and its folder");
    }
    lock_.emplace(lock, FileLock::Mode::exclusive);
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path() != lock) fs::remove(entry.path());
    }
  });
}

ScratchFolder::~ScratchFolder() {
  if (!lock_) return;
  std::error_code ignored;  // what is left is removed by the next run
  fs::remove_all(path_, ignored);
}

}  // namespace explaind
