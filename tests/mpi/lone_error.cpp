// Errors that the ranks have not agreed on: failing_rank.py runs this under mpirun.
//
// lone_error RANK HOW, where the rank
//   inside     throws in an agreement, in which the others wait for it
//   between    throws where the others go on to an agreement
//   away       throws while the others wait for it in a broadcast
//   at_end     throws when the others have nothing left to do
//   late       is still busy for longer than the others, which have all thrown, have patience
//   and the next: both throw, each its own error, while the others wait
//   all        throws the same as all others

#include <array>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <thread>

#include "comm/communicator.hpp"
#include "comm/patience.hpp"
#include "core/error.hpp"

namespace {

constexpr std::chrono::milliseconds patience(1500);

[[noreturn]] void fail(const std::string& what) { throw explaind::DataError("disk", what); }

void meet(const explaind::Communicator& world, const std::function<void()>& action) {
  explaind::agree(world, action, patience);
}

int act(const explaind::Communicator& world, int failing, const std::string& how) {
  const bool mine = world.rank() == failing;
  const auto wait = [&] {
    std::array<int64_t, 1> value{};
    world.broadcast(std::span<int64_t>(value), failing);
  };
  if (how == "inside") {
    const explaind::Communicator other(world.get());
    meet(world, [&] {
      if (mine) fail("is on fire");
      other.barrier();
    });
  } else if (how == "between") {
    if (mine) fail("is on fire");
    meet(world, [] {});
  } else if (how == "away") {
    if (mine) fail("is on fire");
    wait();
  } else if (how == "at_end") {
    if (mine) fail("is on fire");
  } else if (how == "late") {
    meet(world, [&] {
      if (mine) std::this_thread::sleep_for(std::chrono::hours(1));
      fail("is on fire");
    });
  } else if (how == "and_the_next") {
    if (mine) fail("is on fire");
    if (world.rank() == failing + 1) fail("is wet");
    wait();
  } else if (how == "all") {
    fail("is on fire");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const explaind::MpiEnvironment environment(argc, argv);
  const explaind::Communicator world(MPI_COMM_WORLD), ending(MPI_COMM_WORLD);
  const int failing = std::stoi(argv[1]);
  const std::string how = argv[2];
  return end_together(ending, explaind::outcome_of([&] { return act(world, failing, how); }),
                      patience);
}
