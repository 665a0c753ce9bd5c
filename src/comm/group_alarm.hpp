#pragma once
// How the ranks of a group learn that one of them cannot go on.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/error.hpp"

namespace explaind {

/// How long a rank that has waited in vain listens to what the others have to say.
inline constexpr std::chrono::milliseconds listening_time = std::chrono::seconds(2);

/// Messages between the ranks of a group beside its collectives, which never end once a rank is
/// lost. Used by one thread at a time.
class GroupAlarm {
 public:
  /// What a rank says of itself.
  struct Notice {
    int rank = 0;
    bool waited = false;  ///< it gave up waiting for others; else it failed itself
    std::string cause;    ///< of its failure
  };

  /// group: must outlive this, and carry no other messages with `tag`. Not collective.
  explicit GroupAlarm(const Communicator& group, int tag = 1,
                      std::chrono::milliseconds listening = listening_time);
  ~GroupAlarm();
  GroupAlarm(const GroupAlarm&) = delete;
  GroupAlarm& operator=(const GroupAlarm&) = delete;

  /// Tells every other rank that this one has failed. Not collective.
  void raise(const std::string& cause);
  /// True where a rank has said something.
  [[nodiscard]] bool heard();
  /// The lowest rank that has said that it failed itself.
  [[nodiscard]] std::optional<int> lowest_failed();
  /// Ends a wait: tells the others so, listens for a while to what they have to say, and returns
  /// the error that all of them come to: the cause of the lowest rank that failed, else who did not
  /// answer, with ExitCode::lost. waiting_for: of this rank, as in "gather 7".
  [[nodiscard]] Error conclude(const std::string& waiting_for, double seconds_waited);
  /// True once all ranks of the group are done with it, which a rank that failed never is: only
  /// then may the communicator be freed. A freed one's number goes to the next, and what is sent
  /// on it afterwards is taken for that one's messages, or ends Open MPI in a crash. Waits a second
  /// for the others.
  [[nodiscard]] bool parted() noexcept;

 private:
  void say(bool waited, const std::string& cause);
  [[nodiscard]] std::string name(int rank) const;

  const Communicator& group_;
  int tag_;
  std::chrono::milliseconds listening_;
  bool said_ = false;
  std::vector<int> world_ranks_;
  std::vector<std::optional<Notice>> notices_;  ///< by rank
  std::string message_;                         ///< under way
  std::vector<MPI_Request> sends_;
};

}  // namespace explaind
