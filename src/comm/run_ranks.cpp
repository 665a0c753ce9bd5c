#include "comm/run_ranks.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>

#include "comm/first_meeting.hpp"
#include "comm/launcher.hpp"
#include "core/error.hpp"
#include "core/standard_output.hpp"
#include "core/unexpected.hpp"

namespace explaind {

int run_ranks(int argc, char** argv, const std::function<void()>& begun, const WatchTerms& watched,
              const std::function<Outcome(const Communicator& world)>& body) {
  std::optional<MpiEnvironment> environment;
  std::chrono::milliseconds patience{};
  try {
    patience = first_message_patience(std::getenv);
    environment.emplace(argc, argv);
  } catch (const Error& error) {  // tasks that know nothing of each other: one of them says so
    if (is_first(launched_tasks(std::getenv))) say_line(std::string("error: ") + error.what());
    return static_cast<int>(error.exit_code());
  }
  begun();  // once more what MPI_Init has taken away: it sets signal handlers of its own
  std::optional<Communicator> world, ending;
  std::optional<RankWatch> watch;
  const Outcome met = outcome_of([&] {
    meet_first(patience, [&] {
      world.emplace(MPI_COMM_WORLD);
      ending.emplace(MPI_COMM_WORLD);
      world->barrier();
    });
    watch.emplace(*world, watched);
    return 0;
  });
  if (!met.error.empty()) {  // the ranks cannot meet yet
    say_line(opening(met.code) + met.error);
    abort_job(met.code);
  }
  return end_together(*ending, body(*world));
}

}  // namespace explaind
