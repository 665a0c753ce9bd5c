#pragma once
// Units of work handed out by a thread on rank 0 (design: runtime facts). Not collective: ranks ask
// when they are free.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/communicator.hpp"

namespace explaind {

/// A range of units [begin, end), empty where there is no more.
struct UnitRange {
  int64_t begin = 0, end = 0;
  [[nodiscard]] bool empty() const { return begin >= end; }
};

/// Hands out the units 0 … total−1 (or the listed ones): contiguous runs first, single units at the
/// end, so that neighbours share an endpoint and the last units even out. Each request reports the
/// unit just finished.
class Dispatcher {
 public:
  /// Rank 0 starts the thread. `finished` is called in that thread with every finished unit's
  /// index, the rank, and the text it came with.
  /// @collective over world (its own duplicate is made)
  using Finished = std::function<void(int64_t unit, int rank, const std::string& report)>;
  Dispatcher(const Communicator& world, int64_t total, Finished finished);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// The next range for this rank; empty when nothing is left or a stop was requested. Any thread
  /// of one rank at a time.
  UnitRange next();
  /// Tells rank 0 that a unit is done and on disk; `report` is a short text for the progress
  /// display and the closing table.
  void report(int64_t unit, const std::string& text);
  /// Sends message, rank and unit to the dispatcher, which prints the first and aborts the job with
  /// exit code 1; after a short deadline this rank prints and aborts itself.
  [[noreturn]] void fail(int64_t unit, const std::string& message);
  /// Asks the dispatcher to hand out no more (async-signal context: set a flag that the thread
  /// polls instead).
  void request_stop();
  /// True where a stop ended the run before all units were handed out. Valid after next() returned
  /// empty.
  [[nodiscard]] bool stopped() const;
  /// Waits until every rank has got its last (empty) answer; joins the thread on rank 0.
  /// @collective over world
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace explaind
