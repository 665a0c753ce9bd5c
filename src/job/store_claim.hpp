#pragma once
// The claim of a run on its store, held by all ranks.

#include <optional>
#include <string>

#include "claims/path_claim.hpp"
#include "comm/communicator.hpp"

namespace explaind {

/// The file that a run writes.
struct StoreName {
  std::string path;
  bool overwrite = false;    ///< a store that is there is replaced,
  bool resume = false;       ///< or gone on with,
  bool other_build = false;  ///< also where another build, or another processor, began it
};

/// Throws UsageError where both are asked for.
void require_sensible(const StoreName& store);

/// Taken before anything long is done: of two runs on one store the second ends at once.
class StoreClaim {
 public:
  /// Rank 0 takes it, the others join. wait: how a claim that may end soon is waited for. Throws
  /// DataError on all ranks: another run is at the store; it exists and is neither gone on with nor
  /// replaced, or may not be replaced. @collective over world
  StoreClaim(StoreName name, ClaimWait wait, const Communicator& world);

  [[nodiscard]] const StoreName& name() const { return name_; }
  /// The tag of rank 0, which is in the names of all that is not finished.
  [[nodiscard]] const std::string& owner() const { return claim_->owner(); }
  /// Before a unit is written. Throws DataError where another run has taken the store.
  void require_held() const { claim_->require_held(); }

 private:
  StoreName name_;
  std::optional<PathClaim> claim_;
};

}  // namespace explaind
