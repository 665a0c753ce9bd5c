#pragma once
// What the replay of a recorded run's optimizer says of the parts of its updates.

#include <cstdint>
#include <vector>

#include "comm/communicator.hpp"
#include "job/control.hpp"
#include "job/problem.hpp"
#include "job/scratch_folder.hpp"

namespace explaind {

/// What the replay has to say of the steps of a problem, in a ScratchFolder "parts"; removed with
/// this.
class ReplayedParts {
 public:
  /// Every rank replays all steps up to the problem's last one, sharing the gradients, writes some
  /// steps' files and maps all; problem.run_directions has them then. Throws DataError on all
  /// ranks.
  /// @collective over world
  ReplayedParts(const Problem& problem, const StoreClaim& claim, const Communicator& world,
                const Control& control);

 private:
  void replay(const Problem& problem, const std::vector<int64_t>& steps, Dtype type,
              const Communicator& world, const StopFlag& stop) const;

  ScratchFolder folder_;
};

}  // namespace explaind
