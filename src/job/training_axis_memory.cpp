// How the memory of a rank is divided for a training axis.

#include <fmt/format.h>

#include <algorithm>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "job/training_axis.hpp"
#include "solver/sample_rows.hpp"
#include "training_axis/applied_scores.hpp"
#include "training_axis/update_rules.hpp"

namespace explaind {
namespace {

constexpr auto number = int64_t{sizeof(double)};
/// G, C and the direction of a row; the optimizer's own state, and the same before the range.
constexpr int64_t tensors_of_row = 3, tensors_of_replay = 10;

std::string size(int64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

}  // namespace

int64_t TrainingAxis::samples_of_chunk() const {
  return std::min<int64_t>(problem_.solver.chunk, static_cast<int64_t>(problem_.samples.size()));
}

int64_t TrainingAxis::rows() const {
  return row_count(problem_.solver.axes, problem_.groups, samples_of_chunk()) *
         problem_.solver.outputs;
}

int64_t TrainingAxis::score_bytes() const {
  return rows() * static_cast<int64_t>(axis_.names.size()) * problem_.components.size() * number;
}

int64_t TrainingAxis::functional_bytes() const {
  const SolverOptions& solver = problem_.solver;
  const int64_t sums = make_plan(solver.quadrature, 1, 1, false)->accumulators();
  const int64_t tensors = samples_of_chunk() * solver.outputs * (1 + sums) +
                          rows() * tensors_of_row + (applied_ ? tensors_of_replay : 0);
  constexpr int64_t copies = 3;  // a step's scores, the tile's, and in the order of the store
  return tensors * parameter_count(problem_.model()) * number + copies * score_bytes();
}

int64_t TrainingAxis::program_bytes(const MemoryPlan& plan) const {
  int64_t largest = 1;
  for (int64_t step = options_.first; step < options_.last; ++step) {
    largest = std::max(largest, static_cast<int64_t>(problem_.run()->batch(step).samples.size()));
  }
  const int64_t batches = (largest + problem_.solver.micro_batch - 1) / problem_.solver.micro_batch;
  return plan.base + plan.weights() + plan.graph * batches;
}

int64_t TrainingAxis::least_bytes(int64_t there) const {
  if (!applied_) return least_rule_bytes(steps(), parameter_count(problem_.model()));
  return applied_memory(trained(), axis_, steps(), score_bytes(), there).bytes;
}

int64_t TrainingAxis::bytes() const {
  const int64_t parameters = parameter_count(problem_.model());
  if (applied_) return beside_ + least_bytes(options_.memory);
  return beside_ + rule_bytes(steps(), parameters, options_.memory);
}

void TrainingAxis::divide(const MemoryPlan& plan, int64_t memory) {
  beside_ = program_bytes(plan) + functional_bytes();
  options_.memory = memory - beside_;
  const int64_t least = least_bytes(options_.memory);
  if (least <= options_.memory) return;
  const int64_t chunk = samples_of_chunk();
  const std::string needs = fmt::format(
      "the program takes {}, {} samples of a chunk {}, {} at least {}, and {} are there",
      size(program_bytes(plan)), chunk, size(functional_bytes()),
      applied_ ? "training samples' momentum, a block of parameters at a time," : "the updates",
      size(least), size(memory));
  if (problem_.solver.axes.sample && chunk > 1) {
    const int64_t of_sample = functional_bytes() / chunk;
    const int64_t fitting = (memory - program_bytes(plan) - least) / of_sample;
    throw UsageError("--chunk", needs,
                     fmt::format("Use --chunk {}", std::clamp<int64_t>(fitting, 1, chunk - 1)));
  }
  throw UsageError("--memory", needs,
                   fmt::format("Give --memory {}{}", size(beside_ + least),
                               applied_ ? ", keep train_group, or take --step-index origin" : ""));
}

}  // namespace explaind
