// In the place of nccl_collectives.cpp and cuda_queue.cpp where nccl.h was not found.

#include "comm/nccl_collectives.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

[[noreturn]] void refuse() {
  throw UsageError("NCCL", "this program was built without it",
                   "Build where nvcc and nccl.h are found, or use --device cpu");
}

}  // namespace

bool nccl_built() { return false; }

std::unique_ptr<Collectives> make_nccl_collectives(const Communicator& /*group*/,
                                                   std::unique_ptr<DeviceQueue> /*queue*/,
                                                   const NcclOptions& /*options*/) {
  refuse();
}

std::unique_ptr<DeviceQueue> make_cuda_queue(void* /*work*/) { refuse(); }

}  // namespace explaind
