#include "comm/group_alarm.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <thread>

#include "comm/check.hpp"

namespace explaind {
namespace {

constexpr auto parting_patience = std::chrono::seconds(1);
constexpr size_t longest = 3000;  ///< bytes of a cause: sent at once, without an answer

/// Rank i of the group is rank [i] of the world.
std::vector<int> ranks_in_world(const Communicator& group) {
  std::vector<int> ranks(static_cast<size_t>(group.size())), found(ranks.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  MPI_Group mine = MPI_GROUP_NULL, world = MPI_GROUP_NULL;
  check_mpi(MPI_Comm_group(group.get(), &mine), "MPI_Comm_group");
  check_mpi(MPI_Comm_group(MPI_COMM_WORLD, &world), "MPI_Comm_group");
  check_mpi(MPI_Group_translate_ranks(mine, group.size(), ranks.data(), world, found.data()),
            "MPI_Group_translate_ranks");
  MPI_Group_free(&mine);
  MPI_Group_free(&world);
  return found;
}

}  // namespace

GroupAlarm::GroupAlarm(const Communicator& group, int tag, std::chrono::milliseconds listening)
    : group_(group),
      tag_(tag),
      listening_(listening),
      world_ranks_(ranks_in_world(group)),
      notices_(static_cast<size_t>(group.size())) {}

GroupAlarm::~GroupAlarm() {
  int finished = 0;
  MPI_Finalized(&finished);
  for (MPI_Request& send : sends_) {
    if (finished == 0 && send != MPI_REQUEST_NULL) MPI_Request_free(&send);
  }
}

std::string GroupAlarm::name(int rank) const {
  return "rank " + std::to_string(world_ranks_[static_cast<size_t>(rank)]);
}

void GroupAlarm::say(bool waited, const std::string& cause) {
  if (said_) return;
  said_ = true;
  message_ = (waited ? "w" : "f") + cause.substr(0, longest);
  for (int rank = 0; rank < group_.size(); ++rank) {
    if (rank == group_.rank()) continue;
    sends_.push_back(MPI_REQUEST_NULL);
    check_mpi(MPI_Isend(message_.data(), static_cast<int>(message_.size()), MPI_CHAR, rank, tag_,
                        group_.get(), &sends_.back()),
              "MPI_Isend");
  }
}

void GroupAlarm::raise(const std::string& cause) { say(false, cause); }

bool GroupAlarm::heard() {
  for (int nothing = 0; nothing < 2;) {  // Open MPI looks at what has come after it has answered
    int there = 0, size = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    check_mpi(MPI_Improbe(MPI_ANY_SOURCE, tag_, group_.get(), &there, &message, &status),
              "MPI_Improbe");
    if (there == 0) {
      ++nothing;
      continue;
    }
    check_mpi(MPI_Get_count(&status, MPI_CHAR, &size), "MPI_Get_count");
    std::string text(static_cast<size_t>(size), '\0');
    check_mpi(MPI_Mrecv(text.data(), size, MPI_CHAR, &message, MPI_STATUS_IGNORE), "MPI_Mrecv");
    notices_[static_cast<size_t>(status.MPI_SOURCE)] = {
        .rank = status.MPI_SOURCE, .waited = text.at(0) == 'w', .cause = text.substr(1)};
  }
  return std::any_of(notices_.begin(), notices_.end(), [](const auto& each) { return !!each; });
}

std::optional<int> GroupAlarm::lowest_failed() {
  if (!heard()) return std::nullopt;
  const auto first = std::find_if(notices_.begin(), notices_.end(),
                                  [](const auto& each) { return each && !each->waited; });
  if (first == notices_.end()) return std::nullopt;
  return (*first)->rank;
}

Error GroupAlarm::conclude(const std::string& waiting_for, double seconds_waited) {
  say(true, "");
  const auto failed = [&] {
    return std::find_if(notices_.begin(), notices_.end(),
                        [](const auto& each) { return each && !each->waited; });
  };
  const auto others = static_cast<std::ptrdiff_t>(group_.size() - 1);
  const auto until = std::chrono::steady_clock::now() + listening_;
  // A failure is waited out a little too: a lower rank may have failed as well.
  while (std::count_if(notices_.begin(), notices_.end(), [](const auto& each) { return !!each; }) <
             others &&
         std::chrono::steady_clock::now() < until) {
    if (heard() && failed() != notices_.end()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (failed() != notices_.end()) return {name((*failed())->rank), (*failed())->cause, ""};
  std::string missing;
  for (int rank = 0; rank < group_.size(); ++rank) {
    if (rank == group_.rank() || notices_[static_cast<size_t>(rank)]) continue;
    missing += (missing.empty() ? "" : ", ") + name(rank);
  }
  const std::string waited =
      " within " + std::to_string(std::lround(seconds_waited)) + " s of waiting for it";
  if (missing.empty()) {
    return {waiting_for, "did not end" + waited + " although every rank takes part",
            "Look at the network between the ranks' machines", ExitCode::lost};
  }
  return {missing, "did not come to " + waiting_for + waited,
          "Look for what holds it up on its machine", ExitCode::lost};
}

bool GroupAlarm::parted() noexcept {
  int finished = 0;
  MPI_Finalized(&finished);
  if (finished != 0) return true;
  if (said_) return false;
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Ibarrier(group_.get(), &request) != MPI_SUCCESS) return false;
  const auto until = std::chrono::steady_clock::now() + parting_patience;
  try {
    for (int done = 0;;) {
      if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
      if (done != 0) return true;
      if (heard() || std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  } catch (const std::exception&) {
    return false;  // what listens has failed itself
  }
}

}  // namespace explaind
