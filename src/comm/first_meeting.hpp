#pragma once
// Ranks that have all begun, and whose messages do not arrive.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "machine/environment.hpp"
#include "machine/network_interfaces.hpp"

namespace explaind {

/// How long ranks wait for the first message of the others: 30 s, or EXPLAIND_FIRST_MESSAGE, in
/// seconds. Throws UsageError where that is no number above 0.
std::chrono::milliseconds first_message_patience(const Environment& environment);

/// What a rank says that hears of nobody: where it is, what its machine's networks are, and how
/// Open MPI is told which one leads to the others.
std::string no_message(int rank, std::chrono::milliseconds waited, const std::string& host,
                       const std::vector<NetworkInterface>& interfaces,
                       const Environment& environment);

/// Watches, from a thread of its own, whether something that should take no time ends. Not a clock:
/// time in which this process stands still is not counted.
class Watch {
 public:
  /// late: called once, from the watch's thread, if nobody has ended the watch for so long.
  Watch(std::chrono::milliseconds patience, std::function<void()> late);
  /// Ends it.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void watch(std::chrono::milliseconds patience, const std::function<void()>& late);

  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

/// The first messages between ranks: their duplicates of the world, and a barrier. MPI_Init waits
/// for all ranks through their launcher, so from there on nobody is late: where messages do not
/// arrive, networks are wrong, and the job is ended with a message (MPI_Abort; exit code 1).
/// patience: of rank 0; the others have a little more, so that one speaks.
/// @collective over all processes of the job
void meet_first(std::chrono::milliseconds patience, const std::function<void()>& messages);

}  // namespace explaind
