#pragma once
// decompose of a recorded run with the axis of its training samples (engine D, or per-sample
// momentum).

#include <cstdint>
#include <functional>
#include <vector>

#include "app/decompose_job.hpp"
#include "app/store_claim.hpp"
#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "datasets/dataset.hpp"
#include "planner/memory_plan.hpp"
#include "store/influence_store.hpp"
#include "training_axis/axis_options.hpp"
#include "training_axis/functional_sums.hpp"
#include "training_axis/step_scores.hpp"

namespace explaind {

inline bool keeps_training(const Axes& axes) { return axes.train_sample || axes.train_group; }

/// Refuses what does not go with a training axis of a recorded run, and --step-index without one.
/// shards: ranks that share a unit, of which a training axis has one. Throws UsageError.
void require_train_axis(const DecomposeJob& job, const DecomposeOptions& options, int shards);

/// psi_data of every step by training samples or groups, beside psi of the step's own update and
/// its other parts (method.md §2, §5 D). A rank takes a chunk of prediction samples at a time, or
/// all of them where their axis is groups or summed, and goes over all steps, which are a unit
/// each.
class TrainAxis {
 public:
  /// job: with its segments chosen; must outlive this. plan: of the same job, for what it says of
  /// program, weights and activations. memory: bytes of a rank. Throws UsageError where it is too
  /// little, DataError as load_run_data does. Not collective.
  TrainAxis(const DecomposeJob& job, const DecomposeOptions& options, const MemoryPlan& plan,
            int64_t memory);

  /// Adds the training axis and the parts that are kept.
  void describe(StoreSchema& schema) const;

  /// Computes and writes the units of `todo`. Returns whether a stop ended it: also inside a chunk,
  /// whose units are written one by one. @collective over world; inside, ranks do different numbers
  /// of chunks
  bool run(const std::vector<int64_t>& todo, StoreWriter& writer, const StoreClaim& claim,
           const Communicator& world) const;

  /// What the engines compute from, for a plan of their cost.
  [[nodiscard]] TrainedModel trained() const { return {*job_.model, *job_.run, training_}; }
  [[nodiscard]] const AxisOptions& options() const { return options_; }
  [[nodiscard]] const Groups& groups() const { return axis_; }
  [[nodiscard]] bool applied() const { return applied_; }
  /// Functionals of one chunk of prediction samples.
  [[nodiscard]] FunctionalSums functionals(int64_t chunk) const;
  /// Rows of these; bytes of one step's data scores.
  [[nodiscard]] int64_t rows() const;
  [[nodiscard]] int64_t score_bytes() const;
  /// Bytes that a rank takes, with momentum or updates held within options().memory.
  [[nodiscard]] int64_t bytes() const;
  [[nodiscard]] int64_t steps() const { return options_.last - options_.first; }

 private:
  /// Divides `memory`: options_.memory is what all else leaves to updates or momentum.
  void divide(const MemoryPlan& plan, int64_t memory);
  /// G, adjoints and scores of a chunk's functionals.
  [[nodiscard]] int64_t functional_bytes() const;
  /// Program, weights and the activations of a training batch.
  [[nodiscard]] int64_t program_bytes(const MemoryPlan& plan) const;
  /// The least that options_.memory may be, with so much there; what it takes of more.
  [[nodiscard]] int64_t least_bytes(int64_t there) const;
  [[nodiscard]] int64_t samples_of_chunk() const;
  [[nodiscard]] ScoreTile tile_of(const StepScores& scores, const Unit& unit) const;
  /// Calls write(tile) for every unit that is wanted.
  void run_chunk(int64_t chunk, const std::vector<uint8_t>& wanted,
                 const std::function<void(const ScoreTile&)>& write) const;

  const DecomposeJob& job_;
  bool applied_;
  TrainingData training_;
  std::vector<Sample> samples_;  ///< of training: ids and groups
  Groups axis_;                  ///< samples, or groups of them, as the axis has them
  AxisOptions options_;
  int64_t beside_ = 0;  ///< bytes that are not options_.memory
};

}  // namespace explaind
