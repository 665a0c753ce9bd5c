#pragma once
// decompose --parts: what weight decay, rounding and training data did, beside psi.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/decompose_job.hpp"
#include "app/scratch_folder.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "scores/part.hpp"

namespace explaind {

/// "decay", "rounding", "data"; throws UsageError for another word, and for one that stands twice.
std::vector<Part> parse_parts(const std::vector<std::string>& words);

/// Gives a job, whose path is open, the parts that are asked for: exact ones of a recorded run, an
/// estimate of decay of a series of weights. Throws UsageError where the path does not say them.
/// Not collective.
void open_parts(DecomposeJob& job, const DecomposeOptions& options);

/// What the replay of a run's optimizer has to say of the steps of a job, in a ScratchFolder
/// "parts"; removed with this.
class ReplayedParts {
 public:
  /// Every rank replays all steps up to the job's last one, sharing the gradients, writes some
  /// steps' files and maps all; job.run_parts has them then. Throws DataError on all ranks.
  /// @collective over world
  ReplayedParts(const DecomposeJob& job, const DecomposeOptions& options, const StoreClaim& claim,
                const Communicator& world);

 private:
  void replay(const DecomposeJob& job, const std::vector<int64_t>& steps, Dtype type,
              const Communicator& world) const;

  ScratchFolder folder_;
};

}  // namespace explaind
