#pragma once
// The store of a run, made or gone on with, before the units are computed.

#include <cstdint>
#include <vector>

#include "app/decompose_job.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "store/influence_store.hpp"

namespace explaind {

/// Creates the store, or goes on with the one that is there where --resume says so; sets schema's
/// provenance on rank 0. The store is claimed. Returns, on every rank, the units that are to be
/// computed. Throws DataError on all ranks. @collective over world
std::vector<int64_t> prepare_store(const DecomposeJob& job, const DecomposeOptions& options,
                                   StoreSchema& schema, const Communicator& world);

}  // namespace explaind
