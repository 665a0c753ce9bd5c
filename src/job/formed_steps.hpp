#pragma once
// One optimizer step at each checkpoint, in its parts.

#include "comm/communicator.hpp"
#include "job/control.hpp"
#include "job/problem.hpp"
#include "job/scratch_folder.hpp"
#include "store/influence_store.hpp"

namespace explaind {

/// The formed steps of a run, in a ScratchFolder "steps"; removed with this.
class FormedSteps {
 public:
  /// Every rank forms some of the checkpoints' steps and maps them all; problem.trajectory has them
  /// then. Throws DataError on all ranks: what ScratchFolder does, no room, a step that is not
  /// finite. @collective over world
  FormedSteps(Problem& problem, const StoreClaim& claim, const Communicator& world,
              const Control& control);

 private:
  ScratchFolder folder_;
};

/// What a store keeps of them: parts, and the training axis.
void describe_steps(const Problem& problem, StoreSchema& schema);

}  // namespace explaind
