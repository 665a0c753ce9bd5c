#pragma once
// Which options of a decomposition have a say in it.

#include <string>

#include "job/problem.hpp"

namespace explaind {

/// False for an option that nothing of this problem reads, whatever its value: the tolerance of a
/// fixed rule, say. Such a one is left out of what is printed.
bool applies(const std::string& key, const Problem& problem);

}  // namespace explaind
