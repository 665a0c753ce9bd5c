// explaind plan: what a decomposition will take, before anything of it runs.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/decompose_job.hpp"
#include "app/decompose_steps.hpp"
#include "app/loss_table.hpp"
#include "app/output_claims.hpp"
#include "app/parameter_scores.hpp"
#include "app/plan_classifier.hpp"
#include "app/plan_parameters.hpp"
#include "app/plan_probe.hpp"
#include "app/plan_steps.hpp"
#include "app/plan_table.hpp"
#include "app/plan_target.hpp"
#include "app/plan_train_axis.hpp"
#include "app/run_memory.hpp"
#include "app/train_axis.hpp"
#include "app/verbs.hpp"
#include "comm/process_grid.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "path/step_selection.hpp"
#include "planner/cost_model.hpp"
#include "planner/grid_choice.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

constexpr double calibration_seconds = 2;
constexpr double probe_seconds = 6;  ///< for segments that are run to know what they take

/// As decompose will have it: --threads, OMP_NUM_THREADS, or, planned by one process for more, its
/// cores shared out as launch/run.sh does.
int threads_of(const DecomposeOptions& options, const Communicator& world, int64_t ranks) {
  if (options.threads == 0 && world.size() < ranks && std::getenv("OMP_NUM_THREADS") == nullptr) {
    const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
    return static_cast<int>(std::max<int64_t>(1, cores / ranks));
  }
  return ThreadTeam::count_of(options.threads);
}

/// The trajectory and units that --steps will choose. Without `values`, which segments `top` takes
/// is not known; any will do then.
void assume_steps(DecomposeJob& job, const DecomposeOptions& options,
                  const std::optional<CheckpointValues>& values) {
  const std::vector<int64_t> steps = steps_of(*job.path);
  const std::vector<double> change =
      values ? values->changes() : std::vector<double>(steps.size() - 1, 1.0);
  const StepPolicy policy = parse_step_policy(options.step_policy);
  job.set_segments(select_segments(StepSelection::parse(options.steps), policy, steps, change),
                   policy == StepPolicy::sum);
}

/// F at every checkpoint, by the ranks there are; printed and written by rank 0. @collective
CheckpointValues show_losses(const PlanOptions& options, const DecomposeJob& job,
                             const PlanTarget& target, const Communicator& world) {
  std::vector<PathClaim> outputs;
  agree(world, [&] {
    if (world.rank() != 0 || !options.losses_file) return;
    require_writable(*options.losses_file);
    outputs = claim_outputs({*options.losses_file});
  });
  // The planned grid where it is this job's, else every rank on its own.
  const int shards = target.ranks == world.size() ? target.grid.shards : 1;
  const ProcessGrid grid(world, shards);
  MemoryPlan memory = target.memory;
  if (shards != target.grid.shards) {
    agree(world, [&] { memory = memory_of(job, 1, {}, target.budget); });
  }
  CheckpointValues values = values_at_checkpoints(job, memory, world, grid);
  agree(world, [&] {
    if (world.rank() != 0) return;
    if (options.losses_file) write_losses(values, job, *options.losses_file);
    print_losses(values, job);
    print_curve(step_curve(values.steps, values.changes()));
    if (options.losses_file) fmt::print("\nWrote {}\n", *options.losses_file);
    fmt::print("\n");
  });
  return values;
}

/// The slowest rank's, since all wait for it. @collective over world
Calibration slowest(Calibration times, const Communicator& world) {
  constexpr double picoseconds = 1e12;  // integers are what there is a minimum of
  for (double* each : {&times.finite, &times.delta, &times.weight, &times.forward,
                       &times.attributed, &times.head, &times.gather}) {
    *each = -static_cast<double>(world.minimum(-static_cast<int64_t>(1e9 * picoseconds * *each))) /
            (1e9 * picoseconds);
  }
  times.rate = static_cast<double>(world.minimum(static_cast<int64_t>(times.rate)));
  return times;
}

PlanEvaluations evaluations_of(const PlanOptions& options, const DecomposeJob& job) {
  const QuadratureOptions& rule = job.solver.quadrature;
  if (rule.rule != QuadratureOptions::Rule::adaptive)
    return {static_cast<double>(rule.nodes), {}, true};
  if (options.evaluations && !(*options.evaluations > 0)) {
    throw UsageError("--evaluations", "a sample needs some", "Give a number above 0");
  }
  if (options.evaluations) return {*options.evaluations, {}, true};
  return {};
}

/// Runs some pieces; the slowest rank's times count. @collective over world
void probe(const DecomposeJob& job, const MemoryPlan& memory, const Communicator& world,
           PlanEvaluations& evaluations) {
  agree(world, [&] { evaluations.probe = probe_pieces(job, memory, probe_seconds); });
  PlanProbe& found = *evaluations.probe;
  evaluations.mean = found.evaluations;
  constexpr double picoseconds = 1e12;
  for (double* each : {&found.seconds, &found.shortest, &found.longest}) {
    *each = -static_cast<double>(world.minimum(-static_cast<int64_t>(picoseconds * *each))) /
            picoseconds;
  }
}

}  // namespace

int run_plan(const PlanOptions& options, const Communicator& world) {
  const DecomposeOptions& wanted = options.decompose;
  const int64_t ranks = options.ranks.value_or(world.size());
  require_step_options(wanted);
  require_parameter_options(wanted);
  if (wanted.memory) static_cast<void>(parse_bytes("memory", *wanted.memory));
  static_cast<void>(StepSelection::parse(wanted.steps));
  static_cast<void>(tied_head_of(wanted));
  const std::optional<int> shards =
      fixed_shards(static_cast<int>(ranks), wanted.shards, wanted.segment_groups);
  const ThreadTeam team(threads_of(wanted, world, ranks));
  std::optional<DecomposeJob> opened;
  std::optional<ChosenDevice> device;
  agree(world, [&] {
    device = device_of(wanted, world.on_host().rank);
    opened.emplace(prepare_job(wanted, device->device));
  });
  DecomposeJob& job = *opened;
  agree(world, [&] { require_unused_agree(job, wanted, world.rank(), world.size()); });
  for (const std::string& note : job.notes) {
    if (world.rank() == 0) fmt::print("note: {}\n", note);
  }
  const PlanTarget target = plan_target(options, job, *device, ranks, shards, world);
  agree(world, [&] { require_train_axis(job, wanted, target.grid.shards); });
  std::optional<CheckpointValues> values;
  const bool losses = options.losses || options.losses_file;
  if (losses && job.solver.outputs > 1) {
    throw UsageError("--losses",
                     "shows one number a sample, and the logits of all classes are many",
                     "Give --functional loss, or one class");
  }
  if (losses && job.steps) {
    throw UsageError("--losses", "is of a series' checkpoints, and steps begin at each of them",
                     "Leave out --source steps");
  }
  if (losses) values = show_losses(options, job, target, world);
  if (!job.steps) agree(world, [&] { assume_steps(job, wanted, values); });
  if (job.run && keeps_training(job.solver.axes)) {
    TrainAxisCost cost;
    std::optional<TrainAxis> axis;
    agree(world, [&] {
      axis.emplace(job, wanted, target.memory, target.budget.host);
      cost = train_axis_cost(job, *axis, ranks, wanted.store_dtype == "f32");
    });
    if (world.rank() == 0) print_train_axis(job, *axis, cost, ranks);
    return 0;
  }
  PlanEvaluations evaluations = evaluations_of(options, job);
  if (job.network == nullptr && !evaluations.given) {
    probe(job, target.memory, world, evaluations);
  }
  ParameterCost scalars;
  const auto plan_scalars = [&] {
    if (!job.dense) return;
    agree(world, [&] {
      const int64_t busy = std::min(target.groups(), job.units.size()) * target.grid.shards;
      scalars = parameter_cost(job, target.memory, evaluations.mean, busy,
                               wanted.store_dtype == "f32", calibration_seconds);
    });
  };
  if (job.network == nullptr) {
    ClassifierCost cost;
    plan_scalars();
    agree(world, [&] {
      cost =
          classifier_cost(job, target.memory, evaluations.mean, target.ranks, calibration_seconds);
      if (evaluations.probe) {
        cost.seconds = batches_of_rank(job, target) * evaluations.probe->seconds;
      }
      cost.seconds += scalars.seconds;
      cost.bytes_stored += scalars.bytes_stored;
    });
    if (world.rank() == 0) print_classifier_plan(job, target, cost, evaluations);
    return 0;
  }
  const MemoryDemand demand = demand_of(job, target.grid.shards);
  Calibration times;
  agree(world, [&] { times = calibrate(demand, calibration_seconds); });
  times = slowest(times, world);
  const auto estimate = [&] {
    return estimate_cost(demand, target.memory, times, job.units, target.groups(), evaluations.mean,
                         wanted.store_dtype == "f32");
  };
  CostEstimate cost = estimate();
  // An optimizer's steps are not formed yet; gathered parameters need the group.
  const bool possible = !evaluations.given && !job.steps &&
                        target.memory.source != Source::gathered &&
                        cost.seconds < batches_of_rank(job, target) * probe_seconds;
  if (possible) {
    probe(job, target.memory, world, evaluations);
    cost = estimate();
    cost.seconds = batches_of_rank(job, target) * evaluations.probe->seconds;
  }
  plan_scalars();
  cost.seconds += scalars.seconds;
  cost.bytes_stored += static_cast<double>(scalars.bytes_stored);
  FormingCost forming;
  if (job.steps) forming = forming_cost(job, times, ranks);
  cost.seconds += forming.seconds;
  cost.operations += forming.operations;
  if (world.rank() == 0) {
    print_plan(job, wanted, target, cost, times, evaluations, forming.bytes, team.used());
  }
  return 0;
}

}  // namespace explaind
