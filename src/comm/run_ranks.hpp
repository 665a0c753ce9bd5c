#pragma once
// A process's life as a rank.

#include <functional>

#include "comm/communicator.hpp"
#include "comm/rank_watch.hpp"

namespace explaind {

/// Begins MPI, calls `begun`, then `body` with all ranks, and ends together with the others; the
/// exit code of all. Where tasks know nothing of each other, one of them says so and nothing is
/// run. watched: how ranks watch each other meanwhile. Once in a process. @collective over all
/// processes of the job
int run_ranks(int argc, char** argv, const std::function<void()>& begun, const WatchTerms& watched,
              const std::function<Outcome(const Communicator& world)>& body);

}  // namespace explaind
