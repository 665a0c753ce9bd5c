#pragma once
// A rank that is lost ends the job, soon, with its name.

#include <memory>
#include <string>

#include "comm/communicator.hpp"

namespace explaind {

/// How ranks watch each other.
struct WatchTerms {
  double silence =
      60;  ///< seconds after which a rank that is not heard is lost; 0: none is watched
  /// What the user is told to do then: the end of a sentence, without its full stop.
  std::string remedy = "start it again";
};

/// While it lives every rank hears its neighbours (heartbeats.hpp), whatever the ranks wait for:
/// MPI's collectives have no deadline, and gathers one of half an hour. Where one is lost one
/// message names it, and this process ends with ExitCode::lost: by MPI_Abort, or where that hangs,
/// as it does when a node is gone, by itself a few seconds later. A rank that is cut off from the
/// others ends itself too.
class RankWatch {
 public:
  /// Nothing where this rank is alone. Rank 0's terms are all ranks'. @collective over world
  RankWatch(const Communicator& world, WatchTerms terms);
  /// The others do not miss this rank from here on.
  ~RankWatch();
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace explaind
