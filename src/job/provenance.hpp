#pragma once
// Where a store's numbers come from: root attributes of the file.

#include <string>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "job/problem.hpp"
#include "machine/likeness.hpp"
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

/// Throws DataError on all ranks, with both hosts' names, where one sees other weights, samples or
/// options than rank 0: folders that nodes do not share, or that are copies of different age.
/// Reads headers of weights and a few bytes of them. @collective over world
void require_same_inputs(const Problem& problem, const Communicator& world);

/// Throws DataError naming every option and input in which this run differs from the one that began
/// the store. fresh: of provenance(). Paths and modification times may differ.
void require_same_identity(const StoreReader& store,
                           const std::vector<std::pair<std::string, std::string>>& fresh);

/// Who computes, as a store keeps it of who began it: an attribute of JSON.
std::pair<std::string, std::string> begun_by(const Likeness& maker);

/// Who began a store; its fields are empty where it does not say (stores made before December
/// 2026).
Likeness beginner_of(const StoreReader& store);

/// "2026-11-23T18:00:00Z host N ranks, revision R, build B": one line for run_log. begun: the
/// store's beginner, where it is gone on with; what differs is said.
std::string run_log_line(int ranks, const Likeness& mine, const Likeness& begun);

}  // namespace explaind
