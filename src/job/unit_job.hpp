#pragma once
// Units of tensors' scores: of a series, an optimizer's steps, or a recorded run.

#include <functional>
#include <memory>
#include <optional>

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

class UnitJob : public Job {
 public:
  UnitJob(std::unique_ptr<Problem> problem, const Place& place) : Job(std::move(problem), place) {}

  void prepare(const StoreClaim& claim, const Control& control) override;
  [[nodiscard]] JobCost cost(const CostOptions& options) const override;
  [[nodiscard]] JobEnd run(const std::vector<int64_t>& todo, ScoreSink& sink,
                           const Control& control) const override;

 protected:
  [[nodiscard]] GridChoice choose_grid(const MemoryBudget& least) const override;
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
