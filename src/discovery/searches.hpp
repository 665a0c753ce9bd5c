#pragma once
// The searches: one file each. To add one, declare it here, write its file, and list it in
// find.cpp.

#include <string>
#include <vector>

#include "discovery/search_result.hpp"
#include "discovery/trajectories.hpp"

namespace explaind {

/// Parts that a row names of those that make it.
inline constexpr size_t parts_named = 3;

/// Steps at which the mix of contributions shifts.
SearchResult find_phases(const Trajectories& trajectories, const TestSettings& settings);

/// Samples whose contributions take other ways than those of the rest.
SearchResult find_clusters(const Trajectories& trajectories, const TestSettings& settings);

/// Components in which two groups differ most; of these groups (two or more), or all.
SearchResult find_divergences(const Trajectories& trajectories,
                              const std::vector<std::string>& groups, const TestSettings& settings);

/// Throws UsageError for a group that there is not, one that is named twice, and one alone.
void require_groups(const Trajectories& trajectories, const std::vector<std::string>& groups);

/// Components that stop helping where others begin.
SearchResult find_hand_overs(const Trajectories& trajectories, const TestSettings& settings);

/// How few patterns make up the array of segments, components and samples.
SearchResult describe_structure(const Trajectories& trajectories);

/// Training samples, or groups of them, that helped and harmed each prediction most.
SearchResult describe_training(const StoreReader& store, const std::vector<std::string>& select);

}  // namespace explaind
