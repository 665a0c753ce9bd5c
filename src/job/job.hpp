#pragma once
// A problem at a place: what has to be known, prepared and done to answer a question.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "comm/process_grid.hpp"
#include "job/control.hpp"
#include "job/place.hpp"
#include "job/problem.hpp"
#include "job/score_sink.hpp"
#include "path/path_values.hpp"
#include "planner/grid_choice.hpp"
#include "planner/memory_plan.hpp"
#include "planner/scaling.hpp"
#include "store/influence_store.hpp"

namespace explaind {

/// Machines that a job is planned for.
struct PlannedNodes {
  int64_t ranks_of_node = 1;
  double read_rate = 1e9;     ///< bytes a second that a node reads of the series
  double network_rate = 1e9;  ///< bytes a second that a node receives from others
};

/// What of a job's cost its question does not decide.
struct CostOptions {
  std::optional<double> evaluations;  ///< of gradients, a sample and segment; none: measured
  int threads = 1;                    ///< that the measurement uses
  std::optional<PlannedNodes> nodes;  ///< where the cost on fewer ranks is asked for too
};

/// What a job will take, for people, in its own words.
struct JobCost {
  std::string heading;                                     ///< what is decomposed, by whom
  std::vector<std::pair<std::string, std::string>> lines;  ///< a word, and what it stands for
  std::vector<ScalingRow> scaling;                         ///< where nodes were given
};

/// How a loop over units ended.
struct JobEnd {
  bool stopped = false;  ///< on request, before all was done
  std::string account;   ///< lines on what it took; may be empty
};

/// One interface, a few kinds: units of tensors' scores (UnitJob), with scores of single scalars
/// beside them (ScalarJob), with a training axis (TrainingAxisJob). The order of calls: make_job;
/// then prepare, schema and run; or assume and cost.
class Job {
 public:
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  [[nodiscard]] const Problem& problem() const { return *problem_; }
  [[nodiscard]] const Place& place() const { return place_; }
  /// Ranks that share a unit, and why so many.
  [[nodiscard]] const GridChoice& grid_choice() const { return choice_; }
  /// Groups of ranks that take units.
  [[nodiscard]] int64_t groups() const { return place_.ranks / choice_.shards; }
  /// Bytes of a rank.
  [[nodiscard]] const MemoryPlan& memory() const { return memory_; }
  /// What the plan was made for: the least of the ranks that share units.
  [[nodiscard]] const MemoryBudget& budget() const { return budget_; }

  /// Checks every input, chooses the segments, and makes what units need that no file holds (steps,
  /// replayed parts; beside the store that is claimed). Throws DataError and UsageError on all
  /// ranks. @collective over world
  virtual void prepare(const StoreClaim& claim, const Control& control) = 0;
  /// The segments as prepare would choose them, nothing made. values: F at the points; without
  /// them, which segments are the largest is not known, and any will do. Not collective.
  void assume(const std::optional<CheckpointValues>& values);
  /// F at every point of the path, by the ranks there are. @collective over world
  [[nodiscard]] CheckpointValues values(const Control& control) const;

  /// The store's layout, without provenance. Not collective.
  [[nodiscard]] virtual StoreSchema schema() const { return schema_of(*problem_); }
  /// Measures, for a few seconds, what the job does most. Throws UsageError as the options deserve.
  /// @collective over world
  [[nodiscard]] virtual JobCost cost(const CostOptions& options) const = 0;
  /// Computes the units of `todo`, the same on every rank. What was given to a sink before an error
  /// stays. An error ends the whole job (Dispatcher::fail). @collective over world; inside, ranks
  /// do different numbers of units
  [[nodiscard]] virtual JobEnd run(const std::vector<int64_t>& todo, ScoreSink& sink,
                                   const Control& control) const = 0;
  /// The ranks that share a unit with this one. Only where the job is for world's ranks.
  [[nodiscard]] const ProcessGrid& grid() const { return *grid_; }

 protected:
  Job(std::unique_ptr<Problem> problem, const Place& place)
      : problem_(std::move(problem)), place_(place) {}

  /// For so many ranks, each with at least that memory.
  [[nodiscard]] virtual GridChoice choose_grid(int64_t ranks, const MemoryBudget& least) const = 0;
  /// Throws DataError or UsageError where the job does not fit, or cannot be divided so.
  [[nodiscard]] virtual MemoryPlan plan_memory(int shards) const = 0;
  /// The checks of all inputs that cost reading them. @collective over world
  void require_inputs(const Control& control) const;

  /// Which prepare adds to: segments, steps, parts.
  [[nodiscard]] Problem& own_problem() { return *problem_; }

 private:
  friend std::unique_ptr<Job> make_job(const Subject& subject, const Question& question,
                                       const Place& place);
  /// Grid, budget and memory. @collective over world
  void settle();

  std::unique_ptr<Problem> problem_;
  Place place_;
  GridChoice choice_;
  std::optional<ProcessGrid> grid_;
  MemoryBudget budget_ = 0;
  MemoryPlan memory_;
};

/// The job of the kind that the question is. subject and the place's communicator must outlive it.
/// Throws as Problem does, and where it does not fit the place. @collective over place.world
std::unique_ptr<Job> make_job(const Subject& subject, const Question& question, const Place& place);

}  // namespace explaind
