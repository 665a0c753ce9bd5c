// explaind decompose: the main job. Checkpoint series + samples → influence store, by all ranks.

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/applicable_options.hpp"
#include "app/closing_table.hpp"
#include "app/decompose_job.hpp"
#include "app/decompose_parts.hpp"
#include "app/decompose_steps.hpp"
#include "app/decompose_store.hpp"
#include "app/gather_share.hpp"
#include "app/group_collectives.hpp"
#include "app/parameter_scores.hpp"
#include "app/run_contradictions.hpp"
#include "app/run_memory.hpp"
#include "app/run_totals.hpp"
#include "app/step_choice.hpp"
#include "app/store_claim.hpp"
#include "app/train_axis.hpp"
#include "app/verbs.hpp"
#include "checkpoint/convert.hpp"
#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"
#include "comm/process_grid.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"
#include "core/stop_request.hpp"
#include "path/step_selection.hpp"
#include "planner/grid_choice.hpp"
#include "planner/memory_plan.hpp"
#include "planner/workspace.hpp"
#include "solver/run.hpp"
#include "store/influence_store.hpp"
#include "store/store_reader.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

constexpr const char* stop_words =
    "\nStopping: the units in work are finished and kept; the same command with --resume goes on. "
    "Ctrl-C again ends at once.\n";

void print_plan(const DecomposeJob& job, const DecomposeOptions& options, const MemoryPlan& memory,
                const ProcessGrid& grid, const GridChoice& choice, const ChosenDevice& device) {
  DecomposeOptions copy = decided(options, job);
  std::cout << "Configuration\n";
  for (const ResolvedOption& option : resolved(option_table(copy))) {
    if (option.value.empty() || !applies(option.key, options, job)) continue;
    fmt::print("  {:<20} {}\n", option.key, option.value);
  }
  fmt::print(
      "\n{} {} of {} parameters in {}; {}{}\n"
      "{} × {} × {} in {}, revision {}\n"
      "{} of {} ({}), parameters {}, up to {} of memory a rank\n"
      "device {} ({})",
      job.path->size(), job.run ? "points of a recorded run" : "checkpoints",
      parameter_count(*job.model), counted(job.model->parameters().size(), "tensor"),
      counted(job.samples.size(), "sample"),
      job.network != nullptr ? " of up to " + counted(job.solver.positions, "token") : "",
      counted(job.components.size(), "component"), counted(job.samples.size(), "sample"),
      counted(job.pieces.size(), "segment"), counted(job.units.size(), "unit"), revision(),
      counted(grid.segment_groups(), "segment group"), counted(grid.shards(), "rank"),
      choice.reason, to_string(memory.source), format_bytes(static_cast<double>(memory.total())),
      device.device.is_cuda() ? "cuda" : "cpu", device.reason);
  if (job.dense) {
    fmt::print(", {} of it for {} scalars", format_bytes(static_cast<double>(memory.dense)),
               parameter_count(*job.model));
  }
  if (memory.on_device) {
    fmt::print(", up to {} of its memory",
               format_bytes(static_cast<double>(memory.device_total())));
  }
  fmt::print("\n");
  for (const std::string& note : job.notes) fmt::print("note: {}\n", note);
  std::cout.flush();
}

/// Reads every weight once, each rank its share of the checkpoints, before a store is made: a run
/// should not end on a NaN after hours.
void require_finite_weights(const DecomposeJob& job, const Communicator& world) {
  for (size_t i = static_cast<size_t>(world.rank()); i < job.path->size();
       i += static_cast<size_t>(world.size())) {
    for (size_t id = 0; id < job.model->parameters().size(); ++id) {
      require_not_stopped();
      require_finite(job.path->tensor(i, static_cast<ParameterId>(id)), job.path->describe(i));
    }
  }
}

/// The loop over units: no collective over the world inside, since ranks do different numbers of
/// units.
/// Returns whether a stop ended it.
bool run_all(const DecomposeJob& job, const MemoryPlan& memory, const std::vector<int64_t>& todo,
             StoreWriter& writer, const StoreClaim& claim, const Communicator& world,
             const ProcessGrid& grid, RunTotals& totals) {
  const Communicator& group = grid.segment_group();
  const GroupCollectives collectives = make_group_collectives(group, job.computation.device);
  std::optional<Workspace> workspace;
  agree(world, [&] {  // allocates
    workspace.emplace(workspace_of(job, *job.trajectory, memory, *collectives.gathers));
  });
  const UnitSolver solver(job.components, job.samples, job.groups, job.solver, &group);
  std::optional<Progress> progress;
  if (world.rank() == 0) progress.emplace("decompose", static_cast<int64_t>(todo.size()));
  Dispatcher dispatcher(
      world, static_cast<int64_t>(todo.size()),
      [&](int64_t, int, const std::string& note) { progress->advance(1, note); }, grid.leads());
  totals.begin();
  const auto keep = [&](const ScoreTile& tile) {
    totals.add(tile.unit.segment);
    claim.require_held();
    writer.write(tile);
  };
  if (job.dense) {
    run_parameter_units(job, memory, *workspace, dispatcher, group, todo, solver, writer, keep);
  } else {
    run_units(dispatcher, group, job.units, job.pieces, todo, *workspace->parameters,
              *workspace->sweep, solver, keep);
  }
  totals.end(*workspace->parameters, collectives);
  dispatcher.finish();
  if (progress) progress->finish();
  agree(world, [&] { writer.close(); });
  return dispatcher.stopped();
}

}  // namespace

int run_decompose(const DecomposeOptions& options, const Communicator& world) {
  const auto start = std::chrono::steady_clock::now();
  const ThreadTeam team(ThreadTeam::count_of(options.threads));
  // What command line and INI decide alone is refused before any file is touched.
  if (options.memory) static_cast<void>(parse_bytes("memory", *options.memory));
  if (options.device_memory) {
    static_cast<void>(parse_bytes("device-memory", *options.device_memory));
  }
  static_cast<void>(parse_phases(options.phases));
  static_cast<void>(tied_head_of(options));
  static_cast<void>(StepSelection::parse(options.steps));
  require_step_options(options);
  require_parameter_options(options);
  static_cast<void>(parse_parts(options.parts));
  if (options.resume && options.overwrite) {
    throw UsageError("decompose", "--resume goes on with a store, --overwrite replaces it",
                     "Give one of them");
  }
  static_cast<void>(make_plan(solver_options(options).quadrature, 1, 1, true));
  stop_on_signals(world.rank() == 0 ? stop_words : nullptr);
  const std::optional<int> shards =
      fixed_shards(world.size(), options.shards, options.segment_groups);
  const std::optional<Source> source = parse_source(options.parameters);
  std::optional<DecomposeJob> opened;
  const HostPlace place = world.on_host();
  std::optional<ChosenDevice> device;
  agree(world, [&] {
    device = device_of(options, place.rank);
    opened.emplace(prepare_job(options, device->device));
  });
  DecomposeJob& job = *opened;
  const MemoryBudget own_budget = rank_budget(options, device->device, place.ranks);
  const MemoryBudget budget_of_all = least_budget(own_budget, world);
  const GridChoice choice = shards ? GridChoice{*shards, "as asked"}
                            : job.dense
                                ? GridChoice{1, "single scalars need the whole model on a rank"}
                                : grid_of(job, world.size(), source, budget_of_all);
  const ProcessGrid grid(world, choice.shards);
  const MemoryBudget budget = least_budget(own_budget, grid.segment_group());
  std::optional<MemoryPlan> memory;
  agree(world, [&] {
    require_train_axis(job, options, grid.shards());
    memory = job.dense ? parameter_memory(job, grid.shards(), budget)
                       : memory_of(job, grid.shards(), source, budget);
  });
  const StoreClaim claim(options, world);
  agree(world, [&] {
    require_unused_agree(job, options, world.rank(), world.size());
    require_finite_weights(job, world);
  });
  std::optional<FormedSteps> steps;
  std::optional<TrainAxis> train;
  if (job.steps) {
    steps.emplace(job, options, claim, world);
  } else {
    choose_steps(job, options, *memory, world, grid);
  }
  agree(world, [&] {
    if (job.run && keeps_training(job.solver.axes)) {
      train.emplace(job, options, *memory, budget.host);
    }
  });
  std::optional<ReplayedParts> parts;
  if (job.run_parts && job.run_parts->needs_files()) parts.emplace(job, options, claim, world);
  StoreSchema schema = schema_of(job, options);
  if (train) train->describe(schema);
  agree(world, require_not_stopped);
  const std::vector<int64_t> todo = prepare_store(job, decided(options, job), schema, world);
  std::optional<StoreWriter> writer;
  agree(world, [&] { writer.emplace(options.store, schema, grid.segment_group()); });
  // Only now: whoever reads the configuration knows that it was not refused.
  if (world.rank() == 0) print_plan(job, options, *memory, grid, choice, *device);
  RunTotals totals(job, memory->source, grid.shards());
  if (train ? train->run(todo, *writer, claim, world)
            : run_all(job, *memory, todo, *writer, claim, world, grid, totals)) {
    if (world.rank() == 0) {
      fmt::print("\nStopped on request; finished units are in {}, --resume goes on\n",
                 options.store);
    }
    return static_cast<int>(ExitCode::stopped);
  }
  std::string code = "0";
  const std::string line = train ? "" : totals.line(world);
  agree(world, [&] {
    if (world.rank() != 0) return;
    const StoreReader stored(options.store);
    const Certificates found = print_closing_table(stored, std::cout);
    if (job.run) {
      print_contradictions(stored, *job.path, *job.trajectory, *job.model, std::cout);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("\nWrote {} in {}\n{}{}\n", options.store, format_duration(seconds.count()),
               line.empty() ? "" : line + "\n", team.account());
    if (found.missed > 0) {
      code = std::to_string(static_cast<int>(ExitCode::tolerance_missed));
    }
  });
  world.broadcast(code, 0);
  return std::stoi(code);
}

}  // namespace explaind
