#pragma once

#include "comm/communicator.hpp"
#include "machine/allotment.hpp"

namespace explaind {

/// What this rank may take of memory and processors, beside the others that share them: ranks on
/// one machine, in one container, in one job of a batch system.
///
/// planned: ranks of a job that is planned and not run, 0 for none. Where they are more or fewer
/// than world's, all of them are taken to be on this machine. @collective over world
Allotment allotted(const Communicator& world, int64_t planned = 0);

}  // namespace explaind
