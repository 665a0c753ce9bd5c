#pragma once
// Over what the ranks of a segment group gather parameters.

#include <memory>
#include <string>

#include "comm/collectives.hpp"
#include "comm/communicator.hpp"
#include "tensors/device.hpp"

namespace explaind {

struct GroupCollectives {
  std::unique_ptr<Collectives> gathers;
  std::string kind;  ///< "NCCL" or "MPI", and why where that may surprise
};

/// NCCL between CUDA devices, where every rank of the group has one of its own and the library is
/// there; else MPI, through the host's memory. @collective over group
GroupCollectives make_group_collectives(const Communicator& group, const Device& device);

}  // namespace explaind
