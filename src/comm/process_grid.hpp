#pragma once
// How the ranks of a job share the work: segment groups × shards.

#include "comm/communicator.hpp"

namespace explaind {

/// Consecutive ranks form a segment group, which computes one unit together: its ranks own whole
/// micro-batches of the unit, and shards of the parameters where those are gathered.
class ProcessGrid {
 public:
  /// Throws UsageError where the ranks are not a multiple of `shards`, or, with segment_groups > 0,
  /// not shards × segment_groups. @collective over world
  ProcessGrid(const Communicator& world, int shards, int segment_groups = 0);

  /// The ranks that share a unit with this one.
  [[nodiscard]] const Communicator& segment_group() const { return group_; }
  [[nodiscard]] int shards() const { return group_.size(); }
  [[nodiscard]] int segment_groups() const { return segment_groups_; }
  /// True on the rank of a group that asks for units and speaks for it.
  [[nodiscard]] bool leads() const { return group_.rank() == 0; }

 private:
  int segment_groups_;
  Communicator group_;
};

}  // namespace explaind
