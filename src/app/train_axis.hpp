#pragma once
// decompose of a recorded run with the axis of its training samples (engine D).

#include <cstdint>
#include <vector>

#include "app/decompose_job.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "datasets/dataset.hpp"
#include "store/influence_store.hpp"

namespace explaind {

inline bool keeps_training(const Axes& axes) { return axes.train_sample || axes.train_group; }

/// psi_data of every step by the training samples seen in it (step_index "origin"), beside psi of
/// the step's own update and psi_decay. A rank takes a chunk of prediction samples at a time and
/// sweeps backward over all steps, which are a unit each.
class TrainAxis {
 public:
  /// job: must outlive this. shards: ranks that share a unit, of which a training axis has one.
  /// memory: bytes of a rank. Throws UsageError naming the option that does not go with a training
  /// axis, DataError as load_run_data does. Not collective.
  TrainAxis(const DecomposeJob& job, const DecomposeOptions& options, int shards, int64_t memory);

  /// Adds the training axis and the parts that are kept.
  void describe(StoreSchema& schema) const;

  /// Computes and writes the units of `todo`. Returns whether a stop ended it. @collective over
  /// world; inside, ranks do different numbers of chunks
  bool run(const std::vector<int64_t>& todo, StoreWriter& writer, const Communicator& world) const;

 private:
  void require_possible(const DecomposeOptions& options, int shards) const;
  /// Bytes that the functionals of a chunk leave for update rules. Throws UsageError.
  [[nodiscard]] int64_t memory_for_rules(int64_t memory) const;
  void run_chunk(int64_t chunk, const std::vector<uint8_t>& wanted, StoreWriter& writer) const;

  const DecomposeJob& job_;
  TrainingData training_;
  std::vector<Sample> samples_;  ///< of training: ids and groups
  Groups axis_;                  ///< samples, or groups of them, as the axis has them
  int64_t memory_ = 0;
};

}  // namespace explaind
