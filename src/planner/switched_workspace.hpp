#pragma once
// A workspace for a series whose network changes on the way.

#include <cstdint>
#include <functional>
#include <vector>

#include "comm/collectives.hpp"
#include "planner/workspace.hpp"

namespace explaind {

/// The networks of a trajectory, all with the same parameters().
struct NetworksOfSegments {
  std::vector<const Network*> networks;
  std::function<size_t(int64_t)> of;  ///< a segment's place in `networks`
};

/// Holds the workspace of one network at a time, the loaded segment's: it is made when a segment of
/// another one is loaded, in place of the last. References as of Workspace. Not collective; the
/// ranks of a group load the same segments.
Workspace switched_workspace(const NetworksOfSegments& networks, const Explained& explained,
                             const Computation& computation, const MemoryPlan& memory,
                             Collectives& group);

}  // namespace explaind
