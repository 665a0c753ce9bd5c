#pragma once
// What the gathering of parameters took of a run.

#include <string>

#include "comm/collectives.hpp"
#include "comm/communicator.hpp"

namespace explaind {

/// One line: bytes that a rank received, and the seconds of its `seconds` that it waited for them;
/// of each the most of any rank. Empty where no rank gathered. @collective over world
std::string gather_share(const Communicator& world, const GatherCount& count,
                         const std::string& over, double seconds);

}  // namespace explaind
