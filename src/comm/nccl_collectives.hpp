#pragma once
// Collectives over NCCL, for device memory.

#include <memory>
#include <string>

#include "comm/collectives.hpp"
#include "comm/communicator.hpp"
#include "comm/device_queue.hpp"
#include "comm/group_alarm.hpp"

namespace explaind {

/// Built where nccl.h was found; the library itself is looked for when it is needed.
bool nccl_built();

struct NcclOptions {
  std::string library;  ///< file; empty: the system's libnccl
  std::chrono::milliseconds deadline = gather_deadline;
  std::chrono::milliseconds listening = listening_time;
};

/// Gathers run on queue->stream(), after what the caller's own queue holds when they are started.
/// wait() blocks the host, never inside CUDA or NCCL: where a rank is lost every other one leaves
/// by ncclCommAbort and an Error. The current device of every rank must be another one.
///
/// Throws the same Error on all ranks where the library is missing or refuses. @collective over
/// group
std::unique_ptr<Collectives> make_nccl_collectives(const Communicator& group,
                                                   std::unique_ptr<DeviceQueue> queue,
                                                   const NcclOptions& options = {});

}  // namespace explaind
