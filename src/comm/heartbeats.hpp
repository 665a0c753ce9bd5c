#pragma once
// Ranks in a ring tell their neighbours that they are there, over sockets of their own.
//
// A connection leads from every rank to the one after it. Both ends say a byte at every look, and
// whoever has heard nothing for long takes the other for lost. It is not done over MPI: MPI's own
// messages wait for whatever its threads are in. In a ring no rank has more than two neighbours,
// however many there are; one that is cut off hears neither and ends too; and what a rank says
// reaches all others that are left, since a ring with a gap is still a line.
//
// A connection begins with a greeting from each end: 4 letters, the job's token, who speaks, to
// whom. Whoever greets otherwise, or not at all, is a stranger and is let go.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace explaind {

/// A rank, and where its port is.
struct RingPlace {
  int rank = 0;
  std::string host = {};  ///< for messages, and: ranks of one host reach each other by loopback
  uint16_t port = 0;
  std::vector<std::string> addresses = {};  ///< in the order of trial
};

/// This rank's place, and its neighbours' (the same one, where there are two ranks).
struct Ring {
  std::array<unsigned char, 16> token{};  ///< of the job, random
  RingPlace self, before, after;
};

/// A neighbour that was not heard for too long.
struct LostRank {
  int rank = 0;
  std::string host;
  std::string since;   ///< UTC, when it was last heard
  double seconds = 0;  ///< for which it was not, while this process was running
  bool ended = false;  ///< its end of the connection was closed: the process is gone
};

/// What is heard. Called in the thread of the heartbeats.
struct HeartbeatEvents {
  /// This rank is the one to say so: the others have been told that it does. Once.
  std::function<void(const LostRank&)> lost;
  /// Another rank has said what is lost, and ends the job. Once.
  std::function<void()> ends;
  /// Something that the user may want to know; the job goes on.
  std::function<void(const std::string&)> note;
};

class Heartbeats {
 public:
  /// Opens a port of its own. Throws std::exception where the system has no sockets for it.
  Heartbeats();
  /// Says goodbye: a rank that leaves is not missed.
  ~Heartbeats();
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;

  [[nodiscard]] uint16_t port() const;
  /// Begins to beat and to listen. silence: after which a neighbour is lost; it counts from when it
  /// was first heard, so that a network that lets nothing but MPI through ends no job. Once.
  void start(const Ring& ring, std::chrono::milliseconds silence, HeartbeatEvents events);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace explaind
