#pragma once

#include <string>

#include "comm/communicator.hpp"

namespace explaind {

/// What ranks must have in common for their results to be the same bits.
struct Likeness {
  std::string host;          ///< for messages
  std::string build;         ///< build_id()
  std::string instructions;  ///< instruction_set()
};

/// Of this process.
Likeness own_likeness();

/// Throws DataError on all ranks, with both hosts' names, where one runs another build of the
/// program than rank 0, or on a processor that adds in another order. @collective over world
void require_alike(const Communicator& world, const Likeness& mine);

}  // namespace explaind
