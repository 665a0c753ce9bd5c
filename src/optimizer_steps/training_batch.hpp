#pragma once
// The batch of an optimizer step: samples, their weights in the batch's loss, and the parts of it
// that are told apart.

#include <cstdint>
#include <string>
#include <vector>

#include "samples/sample.hpp"

namespace explaind {

/// What the training's loss was: the mean over all predicted tokens of the batch, or the mean over
/// its samples of each one's mean.
enum class BatchMean { tokens, samples };

/// "tokens", "samples"; throws UsageError on any other word.
BatchMean parse_batch_mean(const std::string& word);

/// Samples with their parts: runs of `samples` that have a direction of their own.
struct TrainingBatch {
  /// What becomes a part of its own.
  enum class Axis {
    none,    ///< the whole batch is one
    group,   ///< a group, in the order of group_names
    sample,  ///< a sample
  };
  /// groups: of a batch that is one of several all groups of theirs, so that parts are alike; of
  /// some of which it may have no sample. Empty: its own.
  TrainingBatch(std::vector<Sample> all, BatchMean mean, Axis axis,
                std::vector<std::string> groups = {});

  std::vector<Sample> samples;              ///< in file order
  std::vector<double> weights;              ///< per sample, of each of its predicted tokens
  std::vector<std::vector<int64_t>> parts;  ///< samples of each part, ascending
  std::vector<std::string> group_names;     ///< distinct groups, by first appearance or as given
};

}  // namespace explaind
