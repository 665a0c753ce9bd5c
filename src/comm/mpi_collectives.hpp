#pragma once
// Collectives over MPI, for host memory.

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "comm/collectives.hpp"
#include "comm/communicator.hpp"
#include "comm/group_alarm.hpp"

namespace explaind {

/// Every rank sends its part to every other, on a communicator of its own. A thread does it, so
/// that data move while the caller computes; it sleeps between looks, and all the time where
/// nothing is under way.
class MpiCollectives final : public Collectives {
 public:
  /// The thread is started with the first gather. @collective over group
  explicit MpiCollectives(const Communicator& group,
                          std::chrono::milliseconds deadline = gather_deadline,
                          std::chrono::milliseconds listening = listening_time);
  /// Gathers that have been started are ended first, where the other ranks let them. Not
  /// collective.
  ~MpiCollectives() override;

 private:
  struct Transfer {
    const std::byte* mine;
    size_t bytes;
    std::byte* all;
  };
  struct Requests {
    std::vector<MPI_Request> receives, sends;
  };

  void begin(Gather gather, const std::byte* mine, size_t bytes, std::byte* all) override;
  void finish(Gather gather) override;
  void give_up(const std::string& cause) override;

  // On the thread.
  void serve();
  void move(const Transfer& transfer);
  [[nodiscard]] Requests post(const Transfer& transfer) const;
  /// Throws where the transfer under way will not end; `seconds` since it began.
  void look_around(double seconds);

  Communicator comm_;
  GroupAlarm alarm_;  ///< the thread's
  std::chrono::milliseconds deadline_;

  std::mutex mutex_;  ///< of all below
  std::condition_variable work_, done_;
  std::deque<Transfer> waiting_;         ///< the first one may be under way
  Gather ended_ = 0;                     ///< gathers before this one are whole
  bool closing_ = false, late_ = false;  ///< late: wait() has lost its patience
  std::optional<std::string> cause_;     ///< this rank has failed
  std::exception_ptr failure_;           ///< nothing can be gathered any more
  std::thread thread_;
};

}  // namespace explaind
