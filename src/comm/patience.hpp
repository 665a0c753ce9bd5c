#pragma once
// A rank that has failed waits for the others, which may be busy elsewhere, before it ends the job.

#include <chrono>
#include <functional>

#include "comm/communicator.hpp"

namespace explaind {

inline constexpr std::chrono::milliseconds usual_patience = std::chrono::seconds(5);

/// As in communicator.hpp, with another patience than the usual one.
void agree(const Communicator& world, const std::function<void()>& action,
           std::chrono::milliseconds patience);
int end_together(const Communicator& world, const Outcome& mine,
                 std::chrono::milliseconds patience);

}  // namespace explaind
