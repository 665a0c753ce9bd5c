#include "job/unit_job.hpp"

#include "job/group_collectives.hpp"
#include "job/run_totals.hpp"
#include "job/step_choice.hpp"
#include "planner/classifier_memory.hpp"
#include "solver/run.hpp"

namespace explaind {

MemoryDemand demand_of(const Problem& problem, int shards) {
  return {.network = *problem.network(),
          .trajectory = *problem.trajectory,
          .samples = problem.samples,
          .table = problem.components,
          .solver = problem.solver,
          .computation = problem.computation,
          .shards = shards};
}

MemoryPlan memory_of(const Problem& problem, int shards, std::optional<Source> source,
                     const MemoryBudget& budget) {
  if (problem.network() != nullptr) {
    return explaind::plan_memory(demand_of(problem, shards), source, budget);
  }
  return plan_classifier_memory({.model = problem.explained(),
                                 .data = *problem.data,
                                 .samples = problem.samples,
                                 .table = problem.components,
                                 .solver = problem.solver,
                                 .computation = problem.computation,
                                 .shards = shards},
                                budget);
}

GridChoice UnitJob::choose_grid(int64_t ranks, const MemoryBudget& least) const {
  if (problem().network() == nullptr) return {1, "the weights of the whole model fit a rank"};
  return explaind::choose_grid(static_cast<int>(ranks), place().source, demand_of(problem(), 1),
                               least);
}

MemoryPlan UnitJob::plan_memory(int shards) const {
  return memory_of(problem(), shards, place().source, budget());
}

void UnitJob::prepare(const StoreClaim& claim, const Control& control) {
  const Communicator& world = place().world;
  require_inputs(control);
  if (problem().steps) {
    formed_.emplace(own_problem(), claim, world, control);
  } else {
    choose_steps(own_problem(), memory(), {world, grid()}, control);
  }
  if (problem().run_directions && problem().run_directions->needs_files()) {
    replayed_.emplace(problem(), claim, world, control);
  }
  agree(world, [&] { control.stop.require_down(); });
}

void UnitJob::solve(const UnitTools& tools, const std::vector<int64_t>& todo, ScoreSink& /*sink*/,
                    const std::function<void(const ScoreTile&)>& keep) const {
  run_units(tools.dispatcher, tools.group, todo,
            {.units = problem().units,
             .pieces = problem().pieces,
             .parameters = *tools.workspace.parameters,
             .sweep = *tools.workspace.sweep,
             .solver = tools.solver},
            keep);
}

/// No collective over the world inside the loop, since ranks do different numbers of units.
JobEnd UnitJob::run(const std::vector<int64_t>& todo, ScoreSink& sink,
                    const Control& control) const {
  const Problem& problem = Job::problem();
  const Communicator& world = place().world;
  const Communicator& group = grid().segment_group();
  const GroupCollectives collectives = make_group_collectives(group, problem.computation.device);
  std::optional<Workspace> workspace;
  agree(world, [&] {  // allocates
    workspace.emplace(workspace_of(problem, *problem.trajectory, memory(), *collectives.gathers));
  });
  const UnitSolver solver(problem.components, problem.samples, problem.groups, problem.solver,
                          &group);
  const auto count = static_cast<int64_t>(todo.size());
  if (world.rank() == 0) control.listener.begin("decompose", count);
  Dispatcher dispatcher(
      world, count, control.stop,
      [&](int64_t, int, const std::string& note) { control.listener.advance(1, note); },
      grid().leads());
  RunTotals totals(problem, memory().source, grid().shards());
  totals.begin();
  const auto keep = [&](const ScoreTile& tile) {
    totals.add(tile.unit.segment);
    sink.write(tile);
  };
  solve({*workspace, solver, dispatcher, group}, todo, sink, keep);
  totals.end(*workspace->parameters, collectives);
  dispatcher.finish();
  if (world.rank() == 0) control.listener.finish();
  return {.stopped = dispatcher.stopped(), .account = totals.line(world)};
}

}  // namespace explaind
