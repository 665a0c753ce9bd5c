#include "comm/first_meeting.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "comm/check.hpp"
#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "core/standard_output.hpp"
#include "machine/likeness.hpp"
#include "machine/numbers.hpp"

namespace explaind {
namespace {

using std::chrono::milliseconds;

constexpr const char* patience_variable = "EXPLAIND_FIRST_MESSAGE";
constexpr milliseconds usual(30'000);
/// The others hear of the end from rank 0, which may need 5 s for it; where rank 0 has met all, the
/// others speak.
constexpr milliseconds after_rank_0(9'000);
constexpr const char* chosen = "OMPI_MCA_btl_tcp_if_include";

/// MPI_Abort may wait for what does not answer either.
[[noreturn]] void end_within_seconds(int code) {
  std::thread([code] { MPI_Abort(MPI_COMM_WORLD, code); }).detach();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  std::_Exit(code);
}

}  // namespace

milliseconds first_message_patience(const Environment& environment) {
  const char* const text = environment(patience_variable);
  if (text == nullptr) return usual;
  const std::optional<int64_t> seconds = number_of(text);
  if (!seconds || *seconds < 1 || *seconds > 1'000'000) {
    throw UsageError(patience_variable, fmt::format("'{}' is no number of seconds", text),
                     "Give a whole number above 0, or unset it");
  }
  return std::chrono::seconds(*seconds);
}

std::string no_message(int rank, milliseconds waited, const std::string& host,
                       const std::vector<NetworkInterface>& interfaces,
                       const Environment& environment) {
  std::vector<std::string> all, outward;
  for (const NetworkInterface& each : interfaces) {
    all.push_back(fmt::format("{} {}{}", each.name, fmt::join(each.addresses, " "),
                              each.bridge ? " (a bridge inside this machine)" : ""));
    if (!each.bridge) outward.push_back(each.name);
  }
  const char* const taken = environment(chosen);
  const std::string tried = taken == nullptr ? "Open MPI tries all of them"
                                             : fmt::format("Open MPI takes {} ({})", taken, chosen);
  const std::string example = outward.empty() ? "eth0" : outward.front();
  return fmt::format(
      "rank {} on {}: all ranks have begun, but none of their messages has come here within {} s. "
      "Networks of {}: {}; {}. Name the one by which all nodes reach each other: "
      "`mpirun --mca btl_tcp_if_include {} --mca oob_tcp_if_include {}`, or under srun "
      "`export {}={}`. Where nodes need longer than that, {} says how many seconds",
      rank, host, waited.count() / 1000, host,
      all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", ")), tried, example, example,
      chosen, example, patience_variable);
}

Watch::Watch(milliseconds patience, std::function<void()> late)
    : thread_([this, patience, late = std::move(late)] { watch(patience, late); }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Watch::watch(milliseconds patience, const std::function<void()>& late) {
  const milliseconds tick = std::clamp(patience / 30, milliseconds(1), milliseconds(1'000));
  std::unique_lock lock(mutex_);
  for (milliseconds waited{0}; waited < patience; waited += tick) {
    if (ended_.wait_for(lock, tick, [this] { return over_; })) return;
  }
  lock.unlock();
  late();
}

void meet_first(milliseconds patience, const std::function<void()>& messages) {
  int rank = 0, ranks = 1;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "MPI_Comm_size");
  if (ranks == 1) {
    messages();
    return;
  }
  if (rank != 0) patience += after_rank_0;
  const Watch watch(patience, [rank, patience] {
    say_line("error: " +
             no_message(rank, patience, own_likeness().host, network_interfaces(), std::getenv));
    end_within_seconds(static_cast<int>(ExitCode::failure));
  });
  messages();
}

}  // namespace explaind
