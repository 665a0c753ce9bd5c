#include "app/store_claim.hpp"

#include <chrono>

#include "app/output_claims.hpp"
#include "claims/real_path.hpp"
#include "store/replaceable.hpp"

namespace explaind {
namespace {

/// Ranks live on for up to 2.5 s after their mpirun was killed.
constexpr auto patience = std::chrono::seconds(10);

}  // namespace

StoreClaim::StoreClaim(const DecomposeOptions& options, const Communicator& world) {
  std::string owner;
  agree(world, [&] {
    if (world.rank() != 0) return;
    ClaimWait wait = spoken_wait();
    if (options.resume) wait.patience = patience;
    claim_.emplace(PathClaim::take(options.store, wait));
    if (!options.resume) require_replaceable(real_path(options.store), options.overwrite);
    owner = claim_->owner();
  });
  world.broadcast(owner, 0);
  agree(world, [&] {
    if (world.rank() != 0) claim_.emplace(PathClaim::join(options.store, owner));
  });
}

}  // namespace explaind
