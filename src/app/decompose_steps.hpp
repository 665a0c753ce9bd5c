#pragma once
// decompose --source steps: one optimizer step at each checkpoint, in its parts.

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/decompose_job.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "optimizer_steps/step_file.hpp"
#include "store/file_lock.hpp"

namespace explaind {

/// Throws UsageError where the options of steps do not go together, or one is missing that the
/// training decides.
void require_step_options(const DecomposeOptions& options);

/// Reads training batch and optimizer states of a job whose series is open; its segments become the
/// steps at its checkpoints. Throws DataError as load_samples and StoredOptimizer do. Not
/// collective.
void open_steps(DecomposeJob& job, const DecomposeOptions& options);

/// The formed steps of a run, in STORE.steps; removed with this.
class FormedSteps {
 public:
  /// Every rank forms some of the checkpoints' steps and maps them all; job.trajectory has them
  /// then. What a run that was killed has left is removed first. Throws DataError on all ranks:
  /// another run is at it, no room, a step that is not finite. @collective over world
  FormedSteps(DecomposeJob& job, const DecomposeOptions& options, const Communicator& world);
  ~FormedSteps();
  FormedSteps(const FormedSteps&) = delete;
  FormedSteps& operator=(const FormedSteps&) = delete;

 private:
  void form(DecomposeJob& job, const DecomposeOptions& options, const Communicator& world);
  void remove() const;

  std::filesystem::path folder_;
  std::optional<FileLock> lock_;  ///< of the rank that made the folder
};

/// What a store keeps of them: parts, and the training axis.
void describe_steps(const DecomposeJob& job, StoreSchema& schema);

}  // namespace explaind
