#pragma once
// decompose --source steps: one optimizer step at each checkpoint, in its parts.

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/decompose_job.hpp"
#include "app/scratch_folder.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "optimizer_steps/step_file.hpp"

namespace explaind {

/// Throws UsageError where the options of steps do not go together, or one is missing that the
/// training decides.
void require_step_options(const DecomposeOptions& options);

/// Reads training batch and optimizer states of a job whose series is open; its segments become the
/// steps at its checkpoints. Throws DataError as load_samples and StoredOptimizer do. Not
/// collective.
void open_steps(DecomposeJob& job, const DecomposeOptions& options);

/// The formed steps of a run, in a ScratchFolder "steps"; removed with this.
class FormedSteps {
 public:
  /// Every rank forms some of the checkpoints' steps and maps them all; job.trajectory has them
  /// then. Throws DataError on all ranks: what ScratchFolder does, no room, a step that is not
  /// finite. @collective over world
  FormedSteps(DecomposeJob& job, const DecomposeOptions& options, const StoreClaim& claim,
              const Communicator& world);

 private:
  ScratchFolder folder_;
};

/// What a store keeps of them: parts, and the training axis.
void describe_steps(const DecomposeJob& job, StoreSchema& schema);

}  // namespace explaind
