#pragma once
// What the loop over units took: the truth behind `plan`.

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

#include "comm/communicator.hpp"
#include "job/group_collectives.hpp"
#include "job/problem.hpp"
#include "parameters/parameter_source.hpp"
#include "planner/memory_plan.hpp"

namespace explaind {

/// Time of the loop and stored bytes of weights that this rank read for it, out of files or the
/// page cache. Not collective, but for line().
class RunTotals {
 public:
  /// job: must outlive this.
  RunTotals(const Problem& problem, Source source, int shards)
      : problem_(problem), source_(source), shards_(shards) {}

  void begin() { start_ = Clock::now(); }
  /// A unit of this segment has been computed.
  void add(int64_t segment);
  void end(const ParameterSource& parameters, const GroupCollectives& group);

  /// A line, and one more where parameters were gathered: of each number the most of any rank.
  /// @collective over world
  [[nodiscard]] std::string line(const Communicator& world) const;

 private:
  using Clock = std::chrono::steady_clock;
  void add_piece(int64_t piece);
  /// Bytes of one end of a segment, all ranks of a group together.
  [[nodiscard]] int64_t bytes_of_point() const;

  const Problem& problem_;
  Source source_;
  int shards_;
  Clock::time_point start_;
  double seconds_ = 0;
  int64_t bytes_read_ = 0, piece_ = -1;
  GatherCount gathers_;
  std::string gathers_over_;
  std::set<int64_t> points_;  ///< endpoints of the piece, which the next may share
};

}  // namespace explaind
