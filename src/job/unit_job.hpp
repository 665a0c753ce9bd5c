#pragma once
// Units of tensors' scores: of a series, an optimizer's steps, or a recorded run.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "comm/dispatcher.hpp"
#include "job/formed_steps.hpp"
#include "job/job.hpp"
#include "job/replayed_parts.hpp"
#include "solver/unit_solver.hpp"

namespace explaind {

/// What solves the units of a rank.
struct UnitTools {
  const Workspace& workspace;
  const UnitSolver& solver;
  Dispatcher& dispatcher;
  const Communicator& group;
};

/// What groups of ranks take for all units of a job.
struct GroupCost {
  double seconds = 0;   ///< what is received aside
  double received = 0;  ///< bytes, by a rank from its group
  int64_t memory = 0;   ///< bytes of a rank
};

/// What a plan has measured of units.
struct UnitTimes {
  /// Of a group of so many ranks.
  std::function<GroupCost(int shards, const MemoryPlan& memory)> of_group;
  /// Seconds of all ranks, so many of them, before units are handed out; may be empty.
  std::function<double(int64_t ranks)> before = {};
  std::map<int64_t, double> of_piece = {};  ///< seconds of some pieces; empty: all are alike
  double gather_second = 0;                 ///< of a byte received on the same node
};

class UnitJob : public Job {
 public:
  UnitJob(std::unique_ptr<Problem> problem, const Place& place) : Job(std::move(problem), place) {}

  void prepare(const StoreClaim& claim, const Control& control) override;
  [[nodiscard]] JobCost cost(const CostOptions& options) const override;
  [[nodiscard]] JobEnd run(const std::vector<int64_t>& todo, ScoreSink& sink,
                           const Control& control) const override;

 protected:
  [[nodiscard]] GridChoice choose_grid(int64_t ranks, const MemoryBudget& least) const override;
  [[nodiscard]] MemoryPlan plan_memory(int shards) const override;
  /// The loop over units: each tile goes to `keep`. @collective over the group
  virtual void solve(const UnitTools& tools, const std::vector<int64_t>& todo, ScoreSink& sink,
                     const std::function<void(const ScoreTile&)>& keep) const;
  /// Seconds that scores of another kind add to those of tensors. @collective over world
  [[nodiscard]] virtual double more_seconds(double /*evaluations*/) const { return 0; }
  /// What a plan says of the engine beside the one for tensors.
  [[nodiscard]] virtual std::string also_engine() const { return ""; }

 private:
  [[nodiscard]] JobCost classifier_cost(const CostOptions& options) const;
  [[nodiscard]] JobCost network_cost(const CostOptions& options) const;
  /// From one rank, or the fewest that were asked to share a unit, to all that the job is for.
  [[nodiscard]] std::vector<ScalingRow> scaling(const PlannedNodes& nodes,
                                                const UnitTimes& times) const;

  std::optional<FormedSteps> formed_;
  std::optional<ReplayedParts> replayed_;
};

/// The job of a language model, as the memory plan takes it.
MemoryDemand demand_of(const Problem& problem, int shards);

/// The memory plan of one of `shards` ranks that share units of tensors' scores. Throws DataError
/// where it does not fit.
MemoryPlan memory_of(const Problem& problem, int shards, std::optional<Source> source,
                     const MemoryBudget& budget);

}  // namespace explaind
