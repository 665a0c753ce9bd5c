// One rank fails while the others go on asking for units, or wait for it in a collective of their
// segment group: failing_rank.py runs this under mpirun.

#include <array>
#include <chrono>
#include <span>
#include <string>
#include <thread>

#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"
#include "comm/process_grid.hpp"

int main(int argc, char** argv) {
  const explaind::MpiEnvironment environment(argc, argv);
  const explaind::Communicator world(MPI_COMM_WORLD);
  const int failing = std::stoi(argv[1]);
  const explaind::ProcessGrid grid(world, std::stoi(argv[2]), 0);
  const explaind::Communicator& group = grid.segment_group();
  explaind::Dispatcher dispatcher(
      world, 1000, [](int64_t, int, const std::string&) {}, grid.leads());
  for (;;) {
    const explaind::UnitRange mine = dispatcher.next();
    std::array<int64_t, 2> range{mine.begin, mine.end};
    group.broadcast(std::span<int64_t>(range), 0);
    if (range[0] == range[1]) break;
    for (int64_t unit = range[0]; unit < range[1]; ++unit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (world.rank() == failing) dispatcher.fail(unit, "the disk is on fire");
      group.barrier();
      if (group.rank() == 0) dispatcher.report(unit, "");
    }
  }
  dispatcher.finish();
  return 0;
}
