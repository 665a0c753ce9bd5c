#pragma once
// The store of a run, made or gone on with, before the units are computed.

#include <cstdint>
#include <optional>
#include <vector>

#include "app/decompose_job.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "store/influence_store.hpp"

namespace explaind {

/// The store as rank 0 left it for the writers.
struct PreparedStore {
  std::vector<int64_t> todo;  ///< units, on every rank
  std::optional<FileLock> lock;
};

/// Creates the store, or goes on with the one that is there where --resume says so; sets schema's
/// provenance on rank 0. Throws DataError on all ranks. @collective over world
PreparedStore prepare_store(const DecomposeJob& job, const DecomposeOptions& options,
                            StoreSchema& schema, const Communicator& world);

}  // namespace explaind
