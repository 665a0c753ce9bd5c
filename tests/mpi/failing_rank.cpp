// One rank fails while the others go on asking for units, or wait for it in a gather of their
// segment group: failing_rank.py runs this under mpirun.
//
// failing_rank RANK SHARDS fails|device|killed|lost

#include <array>
#include <chrono>
#include <csignal>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"
#include "comm/mpi_collectives.hpp"
#include "comm/process_grid.hpp"
#include "core/unexpected.hpp"

namespace {

constexpr size_t bytes = size_t{1} << 20;

void end(const std::string& how, explaind::Dispatcher& dispatcher, int64_t unit) {
  if (how == "fails") dispatcher.fail(unit, "the disk is on fire");
  if (how == "device") dispatcher.fail(unit, "its device is gone", explaind::ExitCode::lost);
  if (how == "killed") std::raise(SIGKILL);
  std::this_thread::sleep_for(std::chrono::hours(1));  // lost
}

int act(const explaind::Communicator& world, int failing, int shards, const std::string& how) {
  const explaind::ProcessGrid grid(world, shards, 0);
  const explaind::Communicator& group = grid.segment_group();
  explaind::MpiCollectives collectives(group, std::chrono::seconds(1),
                                       std::chrono::milliseconds(500));
  std::vector<std::byte> mine(bytes), all(bytes * static_cast<size_t>(group.size()));
  const explaind::StopFlag stop;
  explaind::Dispatcher dispatcher(
      world, 1000, stop, [](int64_t, int, const std::string&) {}, grid.leads());
  for (;;) {
    const explaind::UnitRange handed = dispatcher.next();
    std::array<int64_t, 2> range{handed.begin, handed.end};
    group.broadcast(std::span<int64_t>(range), 0);
    if (range[0] == range[1]) break;
    for (int64_t unit = range[0]; unit < range[1]; ++unit) {
      try {
        collectives.wait(collectives.start(mine.data(), bytes, all.data()));
      } catch (const std::exception& error) {
        dispatcher.fail(unit, error.what(), explaind::exit_code_of(error));
      }
      if (world.rank() == failing) end(how, dispatcher, unit);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (group.rank() == 0) dispatcher.report(unit, "");
    }
  }
  dispatcher.finish();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const explaind::MpiEnvironment environment(argc, argv);
  const explaind::Communicator world(MPI_COMM_WORLD), ending(MPI_COMM_WORLD);
  return end_together(ending, explaind::outcome_of([&] {
                        return act(world, std::stoi(argv[1]), std::stoi(argv[2]), argv[3]);
                      }));
}
