// One rank fails while the others go on asking for units: failing_rank.py runs this under mpirun.

#include <chrono>
#include <string>
#include <thread>

#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"

int main(int argc, char** argv) {
  const explaind::MpiEnvironment environment(argc, argv);
  const explaind::Communicator world(MPI_COMM_WORLD);
  const int failing = std::stoi(argv[1]);
  explaind::Dispatcher dispatcher(world, 1000, [](int64_t, int, const std::string&) {});
  for (auto range = dispatcher.next(); !range.empty(); range = dispatcher.next()) {
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (world.rank() == failing) dispatcher.fail(unit, "the disk is on fire");
      dispatcher.report(unit, "");
    }
  }
  dispatcher.finish();
  return 0;
}
