#pragma once
// decompose of a recorded run with the axis of its training samples (engine D, or per-sample
// momentum).

#include <cstdint>
#include <functional>
#include <vector>

#include "datasets/dataset.hpp"
#include "job/problem.hpp"
#include "planner/memory_plan.hpp"
#include "store/influence_store.hpp"
#include "training_axis/axis_options.hpp"
#include "training_axis/functional_sums.hpp"
#include "training_axis/step_scores.hpp"

namespace explaind {

/// Refuses what does not go with a training axis of a recorded run. shards: ranks that share a
/// unit, of which a training axis has one. Throws UsageError.
void require_training_axis(const Problem& problem, int shards);

/// psi_data of every step by training samples or groups, beside psi of the step's own update and
/// its other parts (method.md §2, §5 D). A rank takes a chunk of prediction samples at a time, or
/// all of them where their axis is groups or summed, and goes over all steps, which are a unit
/// each.
class TrainingAxis {
 public:
  /// job: with its segments chosen; must outlive this. plan: of the same problem, for what it says
  /// of program, weights and activations. memory: bytes of a rank. Throws UsageError where it is
  /// too little, DataError as load_run_data does. Not collective.
  TrainingAxis(const Problem& problem, const MemoryPlan& plan, int64_t memory);

  /// Adds the training axis and the parts that are kept.
  void describe(StoreSchema& schema) const;

  /// Computes the units of a chunk that are wanted, numbered as in a store, and calls write(tile)
  /// for each. Not collective.
  void run_chunk(int64_t chunk, const std::vector<uint8_t>& wanted,
                 const std::function<void(const ScoreTile&)>& write) const;

  /// What the engines compute from, for a plan of their cost.
  [[nodiscard]] TrainedModel trained() const {
    return {problem_.model(), *problem_.run(), training_};
  }
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
  const Problem& problem_;
  bool applied_;
  TrainingData training_;
  std::vector<Sample> samples_;  ///< of training: ids and groups
  Groups axis_;                  ///< samples, or groups of them, as the axis has them
  AxisOptions options_;
  int64_t beside_ = 0;  ///< bytes that are not options_.memory
};

}  // namespace explaind
