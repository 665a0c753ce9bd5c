#pragma once
// Where a store's numbers come from: root attributes of the file.

#include <string>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "job/problem.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// The hosts of all ranks with their rank counts, as JSON. @collective over world
std::string gather_hosts(const Communicator& world);

/// Resolved configuration (identity and execution), identity hash, revision and library versions,
/// model config, identification of series or run and of samples, hosts and ranks. Not collective;
/// with
/// --hash-inputs it reads every weight file.
std::vector<std::pair<std::string, std::string>> provenance(const Problem& problem,
                                                            const std::string& hosts, int ranks);

/// Throws DataError naming every option and input in which this run differs from the one that began
/// the store. fresh: of provenance(). Paths and modification times may differ.
void require_same_identity(const StoreReader& store,
                           const std::vector<std::pair<std::string, std::string>>& fresh);

/// "2026-11-23T18:00:00Z host N ranks revision": one line for run_log.
std::string run_log_line(int ranks);

}  // namespace explaind
