// Ranks that sleep instead of computing, under the dispatcher that decompose has:
//   mpirun -n RANKS sleeping_ranks UNITS SECONDS [SPREAD [SHARDS [ROUNDS]]]
// A unit takes SECONDS, or, with a SPREAD, from SECONDS to (1 + SPREAD) × SECONDS, rising along the
// path. SHARDS ranks share each. Printed: what the loop took, what the planner's simulation of it
// says, and what asking and reporting took of the rank where it took most. SECONDS 0 measures what
// rank 0 can serve: reports with many units, requests with two units a rank and many ROUNDS.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "comm/dispatcher.hpp"
#include "comm/process_grid.hpp"
#include "comm/run_ranks.hpp"
#include "planner/dispatch_simulation.hpp"
#include "solver/run.hpp"

using namespace explaind;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Shape {
  int64_t units = 1000;
  double seconds = 0.01, spread = 0;
  int shards = 1;
  int64_t rounds = 1;

  [[nodiscard]] double of_unit(int64_t unit) const {
    return seconds * (1 + spread * static_cast<double>(unit) / static_cast<double>(units));
  }
};

/// What a rank did.
struct Loop {
  double all = 0, slept = 0;  ///< seconds: until it was dismissed; in units
  int64_t ranges = 0;         ///< that it was handed
};

void add_round(const Shape& shape, const Communicator& world, const ProcessGrid& grid, Loop& loop) {
  const StopFlag stop;
  int64_t heard = 0;
  Dispatcher dispatcher(
      world, shape.units, stop, [&](int64_t, int, const std::string&) { ++heard; }, grid.leads());
  std::vector<int64_t> todo;
  for (int64_t unit = 0; unit < shape.units; ++unit) todo.push_back(unit);
  world.barrier();
  const auto start = Clock::now();
  int64_t last = -2;
  for_units(dispatcher, grid.segment_group(), todo, [&](int64_t unit) {
    loop.ranges += unit == last + 1 ? 0 : 1;
    last = unit;
    const auto began = Clock::now();
    if (shape.seconds > 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(shape.of_unit(unit)));
    }
    loop.slept += seconds_since(began);
    return UnitEnd::done;
  });
  loop.all += seconds_since(start);
  dispatcher.finish();
}

SimulatedRun simulated(const Shape& shape, const ProcessGrid& grid) {
  SimulatedWork work;
  for (int64_t unit = 0; unit < shape.units; ++unit) {
    work.units.push_back({.seconds = shape.of_unit(unit)});
  }
  return simulate_dispatch(work, {.groups = grid.segment_groups(), .shards = shape.shards});
}

void say(const Shape& shape, const Communicator& world, const ProcessGrid& grid, const Loop& mine) {
  // The last rank that was dismissed ends the loop; what a rank neither slept nor waited at the end
  // it asked and reported.
  const double longest = world.maximum(mine.all);
  const double asking = world.maximum(mine.all - mine.slept);
  double requests = 0;  // of all ranks but 0, which asks itself; each is dismissed once a round
  for (const auto& of_rank : world.all_gather(std::vector<int64_t>{mine.ranges + shape.rounds})) {
    requests += static_cast<double>(of_rank[0]);
  }
  requests -= static_cast<double>(mine.ranges + shape.rounds);
  if (world.rank() != 0) return;
  const SimulatedRun run = simulated(shape, grid);
  fmt::print(
      "{} ranks, {} in a group, {} units of {} to {} s: {:.3f} s; simulated {:.3f} s ({:.3f} of "
      "it); asking and reporting {:.4f} s on the worst rank, {:.3f} % of its time; {:.0f} requests "
      "and {:.0f} "
      "units a second\n",
      world.size(), shape.shards, shape.units, shape.seconds, shape.of_unit(shape.units), longest,
      run.seconds, run.seconds / longest, asking, 100 * asking / longest, requests / longest,
      static_cast<double>(shape.units * shape.rounds) / longest);
}

}  // namespace

int main(int argc, char** argv) {
  return run_ranks(
      argc, argv, [] {},
      [&](const Communicator& world) {
        Shape shape;
        if (argc > 1) shape.units = std::stoll(argv[1]);
        if (argc > 2) shape.seconds = std::stod(argv[2]);
        if (argc > 3) shape.spread = std::stod(argv[3]);
        if (argc > 4) shape.shards = std::stoi(argv[4]);
        if (argc > 5) shape.rounds = std::stoll(argv[5]);
        const ProcessGrid grid(world, shape.shards);
        Loop mine;
        for (int64_t round = 0; round < shape.rounds; ++round) add_round(shape, world, grid, mine);
        say(shape, world, grid, mine);
        return Outcome{};
      });
}
