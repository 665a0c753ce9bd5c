#pragma once
// Units of work handed out by a thread on rank 0 (design: runtime facts). Not collective: ranks ask
// when they are free.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "core/stop_flag.hpp"

namespace explaind {

/// A range of units [begin, end), empty where there is no more.
struct UnitRange {
  int64_t begin = 0, end = 0;
  [[nodiscard]] bool empty() const { return begin >= end; }
};

/// Hands out the units 0 … total−1: contiguous runs first, single units at the end, so that
/// neighbours share an endpoint and the last units even out. A thread on rank 0 answers (a window
/// counter would wait for rank 0 to enter MPI). Where any rank is asked to stop (its flag is
/// raised; launchers send a signal to some ranks or to all) no rank begins another unit.
class Dispatcher {
 public:
  /// Called on rank 0, in either thread, one at a time, with every finished unit, the rank that did
  /// it, and the report's text.
  using Finished = std::function<void(int64_t unit, int rank, const std::string& report)>;

  /// Rank 0 starts the thread. client: this rank asks for units (of a group that shares a unit one
  /// rank does). stop: this rank's; must outlive this. @collective over world (its own duplicate is
  /// made)
  Dispatcher(const Communicator& world, int64_t total, const StopFlag& stop, Finished finished,
             bool client = true);
  /// Not collective. On rank 0 ends the thread where finish() was not reached.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// The next range for this rank; empty when nothing is left or a stop was requested, and from
  /// then on, and always where this rank is no client. Not collective.
  UnitRange next();
  /// Between two units of a range: whether a stop was requested, here (`asked`: on a rank of this
  /// one's group) or, known within about a second, on another rank. The rest of the range is left
  /// then. Not collective.
  bool stops(bool asked = false);
  /// Tells rank 0 that a unit is done and on disk. Not collective.
  void report(int64_t unit, const std::string& text);
  /// Sends the message with rank and unit to the dispatcher, which prints the first and aborts the
  /// job with that exit code; after five seconds this rank prints and aborts itself. A rank alone
  /// throws it as an Error. Not collective.
  [[noreturn]] void fail(int64_t unit, const std::string& message,
                         ExitCode code = ExitCode::failure);
  /// Whether this rank was asked to stop, whatever the others were. Not collective.
  [[nodiscard]] bool asked_here() const { return stop_.raised(); }
  /// True where a stop ended the run before all units were done; the same on all ranks after
  /// finish().
  [[nodiscard]] bool stopped() const { return stopped_; }
  /// Waits until every rank has got its empty answer, then joins the thread. @collective over world
  void finish();

 private:
  class Server;
  /// What goes over the wire: begin, end, stopped.
  using Answer = std::array<int64_t, 3>;
  Answer ask(const std::string& text);
  Communicator comm_;
  const StopFlag& stop_;
  std::unique_ptr<Server> server_;  ///< rank 0
  bool ended_ = false, stopped_ = false;
  std::chrono::steady_clock::time_point asked_;  ///< when rank 0 last said whether to stop
};

}  // namespace explaind
