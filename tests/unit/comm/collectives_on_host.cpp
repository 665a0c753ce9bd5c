// Host memory: MPI, and the whole logic of NCCL over a fake of its library.

#include <cstdlib>
#include <cstring>

#include "comm/mpi_collectives.hpp"
#include "comm/nccl_collectives.hpp"
#include "mpi/fake_stream.hpp"
#include "unit/comm/collectives_cases.hpp"

namespace explaind::testing {

std::vector<Backend> backends() {
  const auto prepare = [] { return std::string(); };
  const auto allocate = [](size_t bytes) {
    return std::shared_ptr<std::byte>(new std::byte[bytes](), std::default_delete<std::byte[]>());
  };
  const auto copy = [](std::byte* to, const std::byte* from, size_t bytes) {
    std::memcpy(to, from, bytes);
  };
  std::vector<Backend> all;
  all.push_back({"mpi", prepare,
                 [](const Communicator& group, std::chrono::milliseconds deadline) {
                   return std::make_unique<MpiCollectives>(group, deadline, short_listening);
                 },
                 allocate, copy});
  if (nccl_built()) {
    all.push_back(
        {"fake_nccl", prepare,
         [](const Communicator& group, std::chrono::milliseconds deadline) {
           return make_nccl_collectives(
               group, std::make_unique<FakeQueue>(),
               {.library = EXPLAIND_FAKE_NCCL, .deadline = deadline, .listening = short_listening});
         },
         allocate, copy});
  }
  return all;
}

}  // namespace explaind::testing
