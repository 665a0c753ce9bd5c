#include "job/store_claim.hpp"

#include <chrono>
#include <utility>

#include "claims/real_path.hpp"
#include "core/error.hpp"
#include "store/replaceable.hpp"

namespace explaind {
namespace {

/// Ranks live on for up to 2.5 s after their mpirun was killed.
constexpr auto patience = std::chrono::seconds(10);

}  // namespace

void require_sensible(const StoreName& store) {
  if (store.other_build && !store.resume) {
    throw UsageError("decompose", "--other-build says how to go on, and --resume is not given",
                     "Give --resume too, or leave it out");
  }
  if (!store.resume || !store.overwrite) return;
  throw UsageError("decompose", "--resume goes on with a store, --overwrite replaces it",
                   "Give one of them");
}

StoreClaim::StoreClaim(StoreName name, ClaimWait wait, const Communicator& world)
    : name_(std::move(name)) {
  std::string owner;
  agree(world, [&] {
    if (world.rank() != 0) return;
    if (name_.resume) wait.patience = patience;
    claim_.emplace(PathClaim::take(name_.path, wait));
    if (!name_.resume) require_replaceable(real_path(name_.path), name_.overwrite);
    owner = claim_->owner();
  });
  world.broadcast(owner, 0);
  agree(world, [&] {
    if (world.rank() != 0) claim_.emplace(PathClaim::join(name_.path, owner));
  });
}

}  // namespace explaind
