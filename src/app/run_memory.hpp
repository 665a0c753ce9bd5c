#pragma once
// What a run's ranks may take and what they need: shared by decompose and plan.

#include <cstdint>

#include "app/decompose_job.hpp"
#include "config/decompose_options.hpp"
#include "decomposition/memory_plan.hpp"

namespace explaind {

/// Bytes that one of so many ranks on this machine may take: --memory, or its share of four fifths
/// of what is free. Throws UsageError where --memory is no size.
int64_t rank_budget(const DecomposeOptions& options, int64_t ranks_on_host);

/// The job, as the memory plan takes it.
MemoryDemand demand_of(const DecomposeJob& job, int shards);

}  // namespace explaind
