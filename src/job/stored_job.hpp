#pragma once
// A job whose scores go to an influence store.

#include <cstdint>
#include <optional>
#include <vector>

#include "job/job.hpp"
#include "job/store_claim.hpp"
#include "store/influence_store.hpp"

namespace explaind {

class StoredJob {
 public:
  /// Claims the store, prepares the job, and makes the store or opens the one that is gone on with.
  /// wait: how the claim of another run is waited for. Throws what Job::prepare and StoreClaim do,
  /// and DataError where a store was made from something else. job and control must outlive this.
  /// @collective over the job's world
  StoredJob(Job& job, const StoreName& store, const ClaimWait& wait, const Control& control);

  /// Computes what is left to do and closes the store. @collective over the job's world
  [[nodiscard]] JobEnd run();

 private:
  /// The units that are left, on every rank.
  void open_store();

  Job& job_;
  const Control control_;
  StoreClaim claim_;
  StoreSchema schema_;
  std::vector<int64_t> todo_;
  std::optional<StoreWriter> writer_;
};

}  // namespace explaind
