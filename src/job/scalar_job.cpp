#include "job/scalar_job.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "job/scalar_cost.hpp"
#include "optimizer_steps/run_directions.hpp"
#include "parameters/endpoints.hpp"
#include "scores/tile_sum.hpp"
#include "solver/dense_solver.hpp"
#include "solver/run.hpp"
#include "solver/sample_rows.hpp"

namespace explaind {
namespace {

/// Rows of a unit that may be worked on together.
int64_t most_rows(const Problem& problem) {
  const SolverOptions& solver = problem.solver;
  return row_count(solver.axes, problem.groups, std::min(solver.micro_batch, solver.chunk));
}

/// Decoupled decay of single steps is known without the optimizer's state: −α λ θ.
bool may_balance(const Problem& problem) {
  return problem.run() && problem.run()->description().optimizer == OptimizerKind::adamw;
}

/// Per row and output: the sums of a micro-batch, and what they are added to, of which a rank has a
/// part where samples are summed. fp64.
int64_t bytes_of_row(const Problem& problem, int shards) {
  const int64_t scalars = parameter_count(problem.model());
  const int64_t sums = 8 * (scalars + scalars / (problem.solver.axes.sample ? 1 : shards));
  return problem.solver.outputs * sums * (may_balance(problem) ? 2 : 1);
}

/// Gradients of one pass, what is made of the largest tensor on its way to the store or another
/// rank, and of a language model the logits of a micro-batch with their softmax.
int64_t bytes_of_pass(const Problem& problem) {
  const auto size = static_cast<int64_t>(at::elementSize(problem.computation.precision.type));
  int64_t largest = 0;
  for (const ParameterInfo& parameter : problem.model().parameters()) {
    largest = std::max(largest, std::accumulate(parameter.shape.begin(), parameter.shape.end(),
                                                int64_t{1}, std::multiplies<>()));
  }
  const int64_t copies = 3 * int64_t{sizeof(double)} * problem.solver.outputs * largest;
  const int64_t bytes = size * parameter_count(problem.model()) + copies;
  if (problem.network() == nullptr) return bytes;
  const int64_t tokens = largest_micro_batch(problem.samples, problem.solver.micro_batch);
  return bytes +
         tokens * problem.network()->vocabulary() * (3 * size + 2 * int64_t{sizeof(double)});
}

std::string text(int64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

int64_t rows_at_once(const Problem& problem, int shards, const MemoryPlan& memory) {
  return (memory.dense - bytes_of_pass(problem)) / bytes_of_row(problem, shards);
}

bool keeps_balance(const Problem& problem) {
  if (!problem.question.scalars || !may_balance(problem)) return false;
  for (int64_t piece = 0; piece < problem.trajectory->segments(); ++piece) {
    if (problem.trajectory->step_to(piece) != problem.trajectory->step_from(piece) + 1)
      return false;
  }
  return true;
}

DecayUpdate decay_of(const Problem& problem) {
  if (!keeps_balance(problem)) return {};
  const auto decay =
      std::make_shared<const RunDirections>(*problem.run(), std::vector<Part>{Part::decay});
  return [&problem, decay](int64_t piece, ParameterId parameter) {
    const auto from = static_cast<size_t>(problem.trajectory->point(piece, false));
    const StoredSum sum = decay->between({from, from + 1}, parameter).front();
    if (sum.empty()) return at::Tensor();
    const ParameterInfo& info = problem.model().parameters()[static_cast<size_t>(parameter)];
    return direction_of(sum, info.shape, at::kDouble, Device::cpu());
  };
}

}  // namespace

GridChoice ScalarJob::choose_grid(int64_t /*ranks*/, const MemoryBudget& /*least*/) const {
  return {1, "single scalars need the whole model on a rank"};
}

MemoryPlan ScalarJob::plan_memory(int shards) const {
  const Problem& problem = Job::problem();
  const MemoryBudget& budget = this->budget();
  const auto size = static_cast<int64_t>(at::elementSize(problem.computation.precision.type));
  const int64_t weights = 2 * size * parameter_count(problem.model());
  const int64_t row = bytes_of_row(problem, shards), pass = bytes_of_pass(problem);
  const MemoryBudget unbounded(std::numeric_limits<int64_t>::max() / 4, 0, budget.threads);
  MemoryPlan least = memory_of(problem, shards, Source::resident, unbounded);
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
  MemoryPlan plan = memory_of(problem, shards, Source::resident, rest);
  plan.parameters += more_weights;
  plan.dense = pass + row;
  const int64_t more = (budget.host - plan.total()) / row;
  plan.dense += row * std::min(more, most_rows(problem) - 1);
  return plan;
}

StoreSchema ScalarJob::schema() const {
  StoreSchema schema = UnitJob::schema();
  schema.balance = keeps_balance(problem());
  return schema;
}

/// The pass of the network that the loaded segment is of.
class SwitchedPass final : public DensePass {
 public:
  SwitchedPass(const Problem& problem, ParameterSource& parameters)
      : problem_(problem), parameters_(parameters) {}
  [[nodiscard]] std::vector<at::Tensor> gradient(const MicroBatch& batch,
                                                 std::span<const double> weights,
                                                 int64_t output) override {
    const size_t network = problem_.network_of(*problem_.trajectory, parameters_.segment());
    return NetworkPass(*problem_.subject.networks()[network], problem_.solver.functional,
                       parameters_)
        .gradient(batch, weights, output);
  }

 private:
  const Problem& problem_;
  ParameterSource& parameters_;
};

std::unique_ptr<DensePass> dense_pass_of(const Problem& problem, ParameterSource& parameters) {
  if (problem.subject.networks().size() > 1) {
    return std::make_unique<SwitchedPass>(problem, parameters);
  }
  if (problem.network() != nullptr) {
    return std::make_unique<NetworkPass>(*problem.network(), problem.solver.functional, parameters);
  }
  return std::make_unique<ClassifierPass>(problem.explained(), *problem.data,
                                          problem.solver.functional, parameters);
}

void ScalarJob::solve(const UnitTools& tools, const std::vector<int64_t>& todo, ScoreSink& sink,
                      const std::function<void(const ScoreTile&)>& keep) const {
  const Problem& problem = Job::problem();
  ParameterSource& parameters = *tools.workspace.parameters;
  const std::unique_ptr<DensePass> pass = dense_pass_of(problem, parameters);
  const DenseRows rows{.at_once = rows_at_once(problem, tools.group.size(), memory())};
  const DenseSolver dense({.model = problem.model(),
                           .samples = problem.samples,
                           .groups = problem.groups,
                           .options = problem.solver,
                           .parameters = parameters,
                           .pass = *pass},
                          rows, decay_of(problem), &tools.group);
  for_units(tools.dispatcher, tools.group, todo, [&](int64_t index) {
    const auto start = std::chrono::steady_clock::now();
    const Unit unit = problem.units.unit(index);
    const PieceRange& pieces = problem.pieces[static_cast<size_t>(unit.segment)];
    std::vector<SampleNodes> nodes(static_cast<size_t>(pieces.last - pieces.first));
    ScoreTile tile;
    for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
      parameters.load(piece);
      SampleNodes& own = nodes[static_cast<size_t>(piece - pieces.first)];
      ScoreTile more = tools.solver.solve(unit, *tools.workspace.sweep, &own);
      if (piece == pieces.first) {
        tile = std::move(more);
      } else {
        add_piece(tile, more);
      }
    }
    dense.solve(pieces, nodes, tile,
                [&](const DenseSlice& slice) { sink.write_dense(unit, slice); });
    tile.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    keep(tile);
    return UnitEnd::done;
  });
}

double ScalarJob::more_seconds(double evaluations) const {
  double more = 0;
  agree(place().world, [&] {
    const int64_t busy = std::min(groups(), problem().units.size()) * grid_choice().shards;
    more = scalar_seconds(problem(), memory(), evaluations, busy);
  });
  return more;
}

std::string ScalarJob::also_engine() const {
  return "; B: weight gradients at its nodes (every scalar)";
}

}  // namespace explaind
