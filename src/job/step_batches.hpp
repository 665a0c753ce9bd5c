#pragma once
// The training batches of an optimizer's steps at checkpoints.

#include <cstddef>
#include <string>
#include <vector>

#include "job/question.hpp"
#include "optimizer_steps/optimizer_step.hpp"
#include "optimizer_steps/training_batch.hpp"
#include "path/path.hpp"
#include "samples/sample.hpp"

namespace explaind {

struct StepBatches {
  std::vector<TrainingBatch> batches;  ///< one of all checkpoints, or one of each; parts are alike
  std::vector<std::string> files;      ///< of the same
  StepOptions options;                 ///< how a step is formed

  /// The batch of the step at a point of the path.
  [[nodiscard]] const TrainingBatch& of(size_t point) const {
    return batches.size() == 1 ? batches.front() : batches.at(point);
  }
};

/// Reads what --training-batch names: a file, or where {step} is in the name a file for each point
/// of the path, all of which must be there before the first is read. Groups of several files are
/// put together, by first appearance. reading: of the files. notes: takes what is said of them.
/// Throws DataError naming a missing file and its step, and as load_samples does; UsageError where
/// single training samples are asked for and batches differ. `options` of the result is left as it
/// is.
StepBatches read_step_batches(const Question& question, const Path& path,
                              const SampleOptions& reading, std::vector<std::string>& notes);

}  // namespace explaind
