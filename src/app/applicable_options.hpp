#pragma once
// Which options of a decomposition have a say in it.

#include <string>

#include "app/decompose_job.hpp"
#include "config/decompose_options.hpp"

namespace explaind {

/// False for an option that nothing of this job reads, whatever its value: the tolerance of a fixed
/// rule, say. Such a one is left out of what is printed.
bool applies(const std::string& key, const DecomposeOptions& options, const DecomposeJob& job);

}  // namespace explaind
