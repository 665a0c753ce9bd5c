// Memory that is used up on the thread that gathers: `operator new` of this program says so there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/mpi_collectives.hpp"
#include "core/error.hpp"

namespace {

/// Set: threads other than this one find no memory.
std::atomic<bool> used_up{false};
std::thread::id main_thread;

}  // namespace

void* operator new(size_t size) {
  if (used_up && std::this_thread::get_id() != main_thread) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// Not inlined: a compiler that sees free() there, and no malloc(), takes them for a mismatch.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(GatheringWithoutMemory, IsAnErrorOfWhoWaitsAndEndsTheOthersGather) {
  const Communicator world(MPI_COMM_WORLD);
  MpiCollectives gathers(world, std::chrono::seconds(1));
  constexpr size_t bytes = 1024;
  std::vector<std::byte> mine(bytes), all(bytes * static_cast<size_t>(world.size()));
  gathers.wait(gathers.start(mine.data(), bytes, all.data()));  // the thread is there
  main_thread = std::this_thread::get_id();
  const bool fails = world.rank() == 1;
  const std::string expected = fails ? "not enough memory" : "did not come to gather";
  std::string said;
  used_up = fails;
  try {
    gathers.wait(gathers.start(mine.data(), bytes, all.data()));
  } catch (const Error& error) {
    said = error.what();
  }
  used_up = false;
  EXPECT_THAT(said, HasSubstr(expected));
  world.barrier();
}

}  // namespace
}  // namespace explaind
