#pragma once

#include "comm/communicator.hpp"
#include "machine/likeness.hpp"

namespace explaind {

/// Throws DataError on all ranks, with both hosts' names, where one runs another build of the
/// program than rank 0, or on a processor that adds in another order. @collective over world
void require_alike(const Communicator& world, const Likeness& mine);

}  // namespace explaind
