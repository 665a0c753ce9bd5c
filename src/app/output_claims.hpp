#pragma once
// Files that a verb writes when it ends, claimed when it begins.

#include <string>
#include <vector>

#include "claims/path_claim.hpp"

namespace explaind {

/// A claim's waiting, said on standard error.
ClaimWait spoken_wait();

/// Claims every file that is named; empty names, devices and pipes are left out. One rank calls it.
/// Throws DataError where another run is at one of them, or its folder is missing.
std::vector<PathClaim> claim_outputs(const std::vector<std::string>& files);

}  // namespace explaind
