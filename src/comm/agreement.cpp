// How ranks agree on what became of them, and how a rank ends the job alone that others never meet.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <thread>

#include "comm/agree_on_files.hpp"
#include "comm/check.hpp"
#include "comm/communicator.hpp"
#include "comm/group_alarm.hpp"
#include "comm/patience.hpp"
#include "core/error.hpp"
#include "core/standard_output.hpp"
#include "core/unexpected.hpp"
#include "machine/likeness.hpp"

namespace explaind {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a rank that ends the job first listens for a lower rank that does the same.
constexpr auto listening = std::chrono::milliseconds(500);
constexpr int agreement_alarm_tag = 3;

/// Whether a rank has failed, once all ranks are here; nothing where this one has, and the others
/// do not come. @collective
std::optional<bool> any_failed(const Communicator& world, bool failed,
                               std::chrono::milliseconds patience) {
  const int mine = failed ? 1 : 0;
  int any = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(&mine, &any, 1, MPI_INT, MPI_MAX, world.get(), &request),
            "MPI_Iallreduce");
  const auto start = Clock::now();
  for (;;) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return any != 0;
    const auto waited = Clock::now() - start;
    // The request stays: this rank ends without it.
    if (failed && waited > patience) return std::nullopt;
    // A rank that waits for long leaves its core to the others.
    if (waited > std::chrono::milliseconds(1)) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
}

/// Says the message and ends the job. Of several ranks that do so together the lowest speaks.
[[noreturn]] void end_alone(const Communicator& world, const Outcome& mine,
                            std::chrono::milliseconds patience) {
  std::string who;
  try {
    int rank = 0;
    check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
    if (world.size() > 1) who = "rank " + std::to_string(rank) + ": ";
    GroupAlarm alarm(world, agreement_alarm_tag);
    alarm.raise(mine.error);
    for (const auto start = Clock::now(); Clock::now() - start < listening;) {
      if (alarm.lowest_failed().value_or(world.rank()) < world.rank()) {
        std::this_thread::sleep_for(patience);  // that rank ends this one
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  } catch (const std::exception&) {
    // The others cannot be asked; the message is said all the same.
  }
  std::cout.flush();
  std::fflush(stdout);
  say_line(opening(mine.code) + who + mine.error);
  abort_job(mine.code);
}

struct Failure {
  Outcome outcome;
  size_t rank = 0;
  bool alike = true;             ///< every rank's
  std::optional<size_t> spared;  ///< the lowest rank that did not fail
};

/// Of the lowest rank that failed. @collective, once any_failed has said that there is one
Failure first_failure(const Communicator& world, const Outcome& mine) {
  const std::string packed =
      mine.error.empty() ? "" : std::to_string(mine.code) + "\n" + mine.error;
  const std::vector<std::string> all = world.all_gather(packed);
  const auto first =
      std::find_if(all.begin(), all.end(), [](const auto& each) { return !each.empty(); });
  const auto spared =
      std::find_if(all.begin(), all.end(), [](const auto& each) { return each.empty(); });
  const size_t split = first->find('\n');
  return {
      .outcome = {.code = std::stoi(first->substr(0, split)), .error = first->substr(split + 1)},
      .rank = static_cast<size_t>(first - all.begin()),
      .alike = std::count(all.begin(), all.end(), *first) == world.size(),
      .spared = spared == all.end() ? std::nullopt
                                    : std::optional(static_cast<size_t>(spared - all.begin()))};
}

}  // namespace

const char* opening(int code) {
  return code == static_cast<int>(ExitCode::stopped) ? "" : "error: ";
}

Outcome outcome_of(const std::function<int()>& action) {
  Outcome mine{.code = static_cast<int>(ExitCode::failure), .error = ""};
  try {
    return {.code = action(), .error = ""};
  } catch (const std::exception& error) {
    mine = {.code = static_cast<int>(exit_code_of(error)), .error = message_of(error)};
  } catch (...) {
    mine.error = "";
  }
  if (mine.error.empty()) mine.error = "an error that does not say what it is";
  return mine;
}

void agree(const Communicator& world, const std::function<void()>& action) {
  agree(world, action, usual_patience);
}

void agree(const Communicator& world, const std::function<void()>& action,
           std::chrono::milliseconds patience) {
  const Outcome mine = outcome_of([&] {
    action();
    return 0;
  });
  const std::optional<bool> failed = any_failed(world, !mine.error.empty(), patience);
  if (!failed) end_alone(world, mine, patience);
  if (!*failed) return;
  const Outcome first = first_failure(world, mine).outcome;
  throw Error("", first.error, "", static_cast<ExitCode>(first.code));
}

void agree_on_files(const Communicator& world, const std::function<void()>& action) {
  const Outcome mine = outcome_of([&] {
    action();
    return 0;
  });
  const std::optional<bool> failed = any_failed(world, !mine.error.empty(), usual_patience);
  if (!failed) end_alone(world, mine, usual_patience);
  if (!*failed) return;
  const Failure first = first_failure(world, mine);
  const std::vector<std::string> hosts = world.all_gather(own_likeness().host);
  std::string message = first.outcome.error;
  if (first.spared && hosts[first.rank] != hosts[*first.spared]) {
    message = "rank " + std::to_string(first.rank) + " on " + hosts[first.rank] + ": " + message +
              ". Rank " + std::to_string(*first.spared) + " on " + hosts[*first.spared] +
              " had no such trouble: all nodes must see the same files by the same paths";
  }
  throw Error("", message, "", static_cast<ExitCode>(first.outcome.code));
}

void require_same_sight(const Communicator& world, const std::string& where,
                        const std::string& seen) {
  const std::vector<std::string> all = world.all_gather(seen),
                                 hosts = world.all_gather(own_likeness().host);
  const auto other =
      std::find_if(all.begin(), all.end(), [&](const std::string& each) { return each != all[0]; });
  if (other == all.end()) return;
  const auto rank = static_cast<size_t>(other - all.begin());
  throw DataError(
      where,
      "rank 0 on " + hosts[0] + " and rank " + std::to_string(rank) + " on " + hosts[rank] +
          " do not see the same there",
      "All ranks must see the same files by the same paths: use a folder that all nodes "
      "share, or copy it to every node again");
}

int end_together(const Communicator& world, const Outcome& mine) {
  return end_together(world, mine, usual_patience);
}

int end_together(const Communicator& world, const Outcome& mine,
                 std::chrono::milliseconds patience) {
  try {
    const std::optional<bool> failed = any_failed(world, !mine.error.empty(), patience);
    if (!failed) end_alone(world, mine, patience);
    if (!*failed) return mine.code;
    const Failure first = first_failure(world, mine);
    if (world.rank() == 0) {
      const std::string who = first.alike ? "" : "rank " + std::to_string(first.rank) + ": ";
      std::cout.flush();
      say_line(opening(first.outcome.code) + who + first.outcome.error);
    }
    world.barrier();  // mpirun ends the others once a rank has left with an error code
    return first.outcome.code;
  } catch (const std::exception& error) {
    end_alone(world, mine.error.empty() ? Outcome{1, error.what()} : mine, patience);
  }
}

}  // namespace explaind
