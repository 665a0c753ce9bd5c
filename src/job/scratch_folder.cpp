#include "job/scratch_folder.hpp"

#include <system_error>

#include "claims/real_path.hpp"
#include "core/error.hpp"

namespace explaind {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder(const std::string& name, const StoreClaim& claim,
                             const Communicator& world)
    : path_(real_path(claim.name().path).string() + "." + claim.owner() + "." + name) {
  agree(world, [&] {
    if (world.rank() != 0) return;
    std::error_code failure;
    made_ = fs::create_directory(path_, failure);
    if (!made_) {
      throw DataError(path_.string(), "cannot be made: " + failure.message(),
                      "Check --store and its folder");
    }
  });
}

ScratchFolder::~ScratchFolder() {
  if (!made_) return;
  std::error_code ignored;  // what is left is removed by the next run
  fs::remove_all(path_, ignored);
}

}  // namespace explaind
