#include "app/parameter_scores.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>

#include "app/run_memory.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "optimizer_steps/run_parts.hpp"
#include "parameters/endpoints.hpp"
#include "scores/tile_sum.hpp"
#include "solver/dense_solver.hpp"
#include "solver/run.hpp"

namespace explaind {
namespace {

constexpr const char* option = "--component parameter";

void require_parameter_axes(const Axes& axes) {
  if (axes.position) {
    throw UsageError(option, "has no positions: a scalar's gradient is a sum over them",
                     "Leave position out of --axes, or use --component row");
  }
  if (axes.train_sample || axes.train_group) {
    throw UsageError(option, "has no training axis",
                     "Leave train_sample and train_group out of --axes, or use another component");
  }
}

/// Rows of a unit that may be worked on together.
int64_t most_rows(const DecomposeJob& job) {
  if (job.solver.axes.sample) return std::min(job.solver.micro_batch, job.solver.chunk);
  return job.solver.axes.group ? static_cast<int64_t>(job.groups.names.size()) : 1;
}

/// Decoupled decay of single steps is known without the optimizer's state: −α λ θ.
bool may_balance(const DecomposeJob& job) {
  return job.run && job.run->description().optimizer == OptimizerKind::adamw;
}

/// Per row and output: the sums of a micro-batch, and what they are added to, of which a rank has a
/// part where samples are summed. fp64.
int64_t bytes_of_row(const DecomposeJob& job, int shards) {
  const int64_t scalars = parameter_count(*job.model);
  const int64_t sums = 8 * (scalars + scalars / (job.solver.axes.sample ? 1 : shards));
  return job.solver.outputs * sums * (may_balance(job) ? 2 : 1);
}

/// Gradients of one pass, what is made of the largest tensor on its way to the store or another
/// rank, and of a language model the logits of a micro-batch with their softmax.
int64_t bytes_of_pass(const DecomposeJob& job) {
  const auto size = static_cast<int64_t>(at::elementSize(job.computation.precision.type));
  int64_t largest = 0;
  for (const ParameterInfo& parameter : job.model->parameters()) {
    largest = std::max(largest, std::accumulate(parameter.shape.begin(), parameter.shape.end(),
                                                int64_t{1}, std::multiplies<>()));
  }
  const int64_t copies = 3 * int64_t{sizeof(double)} * job.solver.outputs * largest;
  const int64_t bytes = size * parameter_count(*job.model) + copies;
  if (job.network == nullptr) return bytes;
  const int64_t tokens = largest_micro_batch(job.samples, job.solver.micro_batch);
  return bytes + tokens * job.network->vocabulary() * (3 * size + 2 * int64_t{sizeof(double)});
}

std::string text(int64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

int64_t rows_at_once(const DecomposeJob& job, int shards, const MemoryPlan& memory) {
  return (memory.dense - bytes_of_pass(job)) / bytes_of_row(job, shards);
}

}  // namespace

bool keeps_parameters(const DecomposeOptions& options) { return options.component == "parameter"; }

void require_parameter_options(const DecomposeOptions& options) {
  if (!keeps_parameters(options)) return;
  require_parameter_axes(parse_axes(options.axes));
  if (options.source == "steps") {
    throw UsageError(option, "is of weights, not of an optimizer's step in its parts",
                     "Use --source weights, or another component");
  }
  if (!options.parts.empty()) {
    throw UsageError("--parts", "are not told apart for single scalars",
                     "Use another component for them; of a recorded run of AdamW the variable "
                     "balance compares data with decay, scalar by scalar");
  }
  if (options.parameters == "streamed" || options.parameters == "gathered") {
    throw UsageError("--parameters", "single scalars need the whole model in memory",
                     "Use auto or resident, or --component row");
  }
  if (options.precision != "fp32" && options.precision != "fp64") {
    throw UsageError("--precision", "gradients of single scalars are formed in fp32 or fp64",
                     "Use one of them");
  }
  if (options.device == "cuda") {
    throw UsageError("--device", "scores of single scalars are computed by the processor",
                     "Use cpu");
  }
}

ChosenDevice device_of(const DecomposeOptions& options, int rank) {
  if (!keeps_parameters(options)) return choose_device(options.device, rank);
  ChosenDevice device = choose_device("cpu", rank);
  if (options.device == "auto") device.reason = "scores of single scalars are computed by it";
  return device;
}

MemoryPlan parameter_memory(const DecomposeJob& job, int shards, const MemoryBudget& budget) {
  const auto size = static_cast<int64_t>(at::elementSize(job.computation.precision.type));
  const int64_t weights = 2 * size * parameter_count(*job.model);
  const int64_t row = bytes_of_row(job, shards), pass = bytes_of_pass(job);
  const MemoryBudget unbounded(std::numeric_limits<int64_t>::max() / 4, 0, budget.threads);
  MemoryPlan least = memory_of(job, shards, Source::resident, unbounded);
  const int64_t more_weights = std::max<int64_t>(0, weights - least.parameters);
  least.activations = least.activation;
  least.parameters += more_weights;
  least.dense = pass + row;
  if (!least.fits(budget)) {
    throw UsageError(
        "--memory",
        fmt::format("a rank may take {} and needs {}: {} for the program, {} for weights, {} for "
                    "gradients and logits, {} for the scores of one row of scalars, {} for a "
                    "micro-batch's graph and certificates",
                    text(budget.host), text(least.total()), text(least.base), text(least.weights()),
                    text(pass), text(row),
                    text(least.total() - least.base - least.weights() - pass - row)),
        "Give more memory, use a smaller --micro-batch, fewer ranks on a machine, or --component "
        "row");
  }
  const MemoryBudget rest(budget.host - pass - row - more_weights, budget.device, budget.threads);
  MemoryPlan plan = memory_of(job, shards, Source::resident, rest);
  plan.parameters += more_weights;
  plan.dense = pass + row;
  const int64_t more = (budget.host - plan.total()) / row;
  plan.dense += row * std::min(more, most_rows(job) - 1);
  return plan;
}

bool keeps_balance(const DecomposeJob& job) {
  if (!job.dense || !may_balance(job)) return false;
  for (int64_t piece = 0; piece < job.trajectory->segments(); ++piece) {
    if (job.trajectory->step_to(piece) != job.trajectory->step_from(piece) + 1) return false;
  }
  return true;
}

DecayUpdate decay_of(const DecomposeJob& job) {
  if (!keeps_balance(job)) return {};
  const auto decay = std::make_shared<const RunParts>(*job.run, std::vector<Part>{Part::decay});
  return [&job, decay](int64_t piece, ParameterId parameter) {
    const auto from = static_cast<size_t>(job.trajectory->point(piece, false));
    const StoredSum sum = decay->between({from, from + 1}, parameter).front();
    if (sum.empty()) return at::Tensor();
    const ParameterInfo& info = job.model->parameters()[static_cast<size_t>(parameter)];
    return direction_of(sum, info.shape, at::kDouble, Device::cpu());
  };
}

std::unique_ptr<DensePass> dense_pass_of(const DecomposeJob& job, ParameterSource& parameters) {
  if (job.network != nullptr) {
    return std::make_unique<NetworkPass>(*job.network, job.solver.functional, parameters);
  }
  return std::make_unique<ClassifierPass>(job.explained(), *job.data, job.solver.functional,
                                          parameters);
}

void run_parameter_units(const DecomposeJob& job, const MemoryPlan& memory,
                         const Workspace& workspace, Dispatcher& dispatcher,
                         const Communicator& group, const std::vector<int64_t>& todo,
                         const UnitSolver& solver, StoreWriter& writer,
                         const std::function<void(const ScoreTile&)>& keep) {
  ParameterSource& parameters = *workspace.parameters;
  const std::unique_ptr<DensePass> pass = dense_pass_of(job, parameters);
  const DenseRows rows{.at_once = rows_at_once(job, group.size(), memory)};
  const DenseSolver dense(*job.model, job.samples, job.groups, job.solver, parameters, *pass, rows,
                          decay_of(job), &group);
  for_units(dispatcher, group, todo, [&](int64_t index) {
    const auto start = std::chrono::steady_clock::now();
    const Unit unit = job.units.unit(index);
    const PieceRange& pieces = job.pieces[static_cast<size_t>(unit.segment)];
    std::vector<SampleNodes> nodes(static_cast<size_t>(pieces.last - pieces.first));
    ScoreTile tile;
    for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
      parameters.load(piece);
      SampleNodes& own = nodes[static_cast<size_t>(piece - pieces.first)];
      ScoreTile more = solver.solve(unit, *workspace.sweep, &own);
      if (piece == pieces.first) {
        tile = std::move(more);
      } else {
        add_piece(tile, more);
      }
    }
    dense.solve(pieces, nodes, tile,
                [&](const DenseSlice& slice) { writer.write_dense(unit, slice); });
    tile.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    keep(tile);
  });
}

}  // namespace explaind
