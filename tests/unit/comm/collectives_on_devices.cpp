// Device memory: NCCL itself, one device a rank. Without enough of them the cases are skipped.

#include <cuda_runtime.h>

#include "comm/nccl_collectives.hpp"
#include "unit/comm/collectives_cases.hpp"

namespace explaind::testing {
std::vector<Backend> backends() {
  return {{"nccl",
           [] {
             const Communicator world(MPI_COMM_WORLD);
             int devices = 0;
             if (cudaGetDeviceCount(&devices) != cudaSuccess) devices = 0;
             if (devices < world.size()) {
               return std::to_string(devices) + " CUDA devices for " +
                      std::to_string(world.size()) + " ranks";
             }
             cudaSetDevice(world.rank());
             return std::string();
           },
           [](const Communicator& group, std::chrono::milliseconds deadline) {
             return make_nccl_collectives(
                 group, make_cuda_queue(nullptr),
                 {.library = "", .deadline = deadline, .listening = short_listening});
           },
           [](size_t bytes) {
             void* memory = nullptr;
             EXPECT_EQ(cudaMalloc(&memory, bytes), cudaSuccess);
             return std::shared_ptr<std::byte>(static_cast<std::byte*>(memory), cudaFree);
           },
           [](std::byte* to, const std::byte* from, size_t bytes) {
             EXPECT_EQ(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), cudaSuccess);
           }}};
}

}  // namespace explaind::testing
